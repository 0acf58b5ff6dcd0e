// `limit rate [over] 10/second [burst 5 packets]`, `limit rate 1 mbytes/second [burst 5 kbytes]`, `limit name "slow"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "rate", .shape = Shape::rate, .unit = "packets or bytes a time", .help = "how many"},
    {.name = "over", .help = "match what is beyond"},
    {.name = "burst", .shape = Shape::size, .unit = "packets or bytes", .help = "so many at once", .initial = "5"},
    {.name = "name", .shape = Shape::value, .help = "a named limit instead"}};

void check(Statement& limit, Checker& checker) {
  if (Expression* const name = limit.argument("name")) {
    checker.object_reference(*name, "limit");
    return;
  }
  Expression* const rate = limit.argument("rate");
  if (rate == nullptr) {
    checker.error(limit.at, "limit: no rate given");
    return;
  }
  if (rate->number == 0) checker.error(rate->at, "limit rate must be > 0");
  bool const bytes = rate->argument("unit") != nullptr, over = rate->argument("over") != nullptr;
  std::erase_if(rate->arguments, [](const Argument& one) { return one.name == "over"; });
  if (Expression* const burst = limit.argument("burst")) {
    bool const in_bytes = burst->text.ends_with("bytes");
    if (bytes != in_bytes) checker.error(burst->at, "syntax error, unexpected unit of burst");
  }
  if (over && !limit.has("over")) limit.arguments.push_back({"over", limit.at, {}});
}

void print(const Statement& limit, Out& out) {
  out << "limit ";
  if (const Expression* const name = limit.argument("name")) {
    out << "name " << *name;
    return;
  }
  print_limit_body(limit, out);
}

uint64_t seconds_of(std::string_view unit) {
  if (unit == "second") return 1;
  if (unit == "minute") return 60;
  if (unit == "hour") return 3600;
  return unit == "day" ? 86400 : 604800;
}

/// A limit that was never asked remembers no time: its first packet finds it full.
void compile(const Statement& limit, Compiler& compiler) {
  constexpr uint64_t kNanoseconds = 1'000'000'000;
  Compiler::Stateful const made = compiler.stateful(limit, 2);
  if (made.body == nullptr) return;
  const Expression* const rate = made.body->argument("rate");
  if (rate == nullptr || rate->number == 0) return compiler.fail(limit.at, "limit: want a rate");
  auto const each = static_cast<uint64_t>(rate->number);
  uint64_t const unit_ns = seconds_of(rate->text) * kNanoseconds, burst = made.body->number("burst");
  Step step{.offset = made.body->has("over") ? 1U : 0U, .word = made.word};
  if (rate->argument("unit") != nullptr) {
    step.a = Number{unit_ns} << 64 | each;
    step.b = Number{unit_ns} * (each + burst) / each;
    return compiler.emit(run::byte_limit, step);
  }
  step.a = unit_ns / each;
  step.b = step.a * (burst == 0 ? 5 : burst);
  compiler.emit(run::packet_limit, step);
}

}  // namespace

void print_limit_body(const Statement& limit, Out& out) {
  const Expression& rate = *limit.argument("rate");
  const Expression* const burst = limit.argument("burst");
  out << "rate " << (limit.has("over") ? "over " : "");
  if (rate.argument("unit") != nullptr) {
    out.bytes(static_cast<uint64_t>(rate.number));
    out << "/" << rate.text;
    if (burst != nullptr && burst->number != 0) {
      out << " burst ";
      out.bytes(static_cast<uint64_t>(burst->number));
    }
    return;
  }
  out.number(rate.number) << "/" << rate.text;
  if (burst != nullptr && burst->number != 5 && burst->number != 0) (out << " burst ").number(burst->number) << " packets";
}

const Module limit_module{.name = "limit", .help = "match at most so often", .parameters = kParameters, .object = true,
                          .object_name = "limit", .check = check, .print = print,
                          .compile = compile};

}  // namespace bulkhead::ruleset