// `limit rate [over] 10/second [burst 5 packets]`, `limit rate 1 mbytes/second [burst 5 kbytes]`, `limit name "slow"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kLimitParameters[] = {
    {.name = "rate", .takes = Takes::rate, .unit = "packets or bytes a time", .help = "how many", .rank = 1},
    {.name = "over", .help = "match what is beyond", .rank = 1},
    {.name = "burst", .takes = Takes::size, .unit = "packets or bytes", .help = "so many at once", .initial = "5", .rank = 2},
    {.name = "name", .takes = Takes::value, .help = "a named limit instead"}};

void check_limit(Statement& limit, Checker& checker) {
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
    if (burst->text.empty() && burst->at.known()) checker.error(burst->at, "syntax error, unexpected newline, expecting packets");
    if (!bytes && burst->number == 0) checker.error(burst->at, "packet limit burst must be > 0");
    if (bytes != in_bytes) checker.error(burst->at, "syntax error, unexpected unit of burst");
  }
  if (over && !limit.has("over")) limit.arguments.push_back({"over", limit.at, {}});
}

void print_body_limit(const Statement& limit, Out& out) {
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

void print_limit(const Statement& limit, Out& out) {
  out << "limit ";
  if (const Expression* const name = limit.argument("name")) {
    out << "name " << *name;
    return;
  }
  print_body_limit(limit, out);
}

struct Amount {
  uint64_t number;
  std::string_view unit;  // of bytes only
};

Amount amount(uint64_t number, bool bytes) {
  if (!bytes) return {number, {}};
  auto const [count, unit] = largest_unit(number);
  return {count, unit};
}

struct Rates {
  Amount rate, burst;
  bool bytes;
};

Rates rates_of(const Statement& limit) {
  const Expression& rate = *limit.argument("rate");
  const Expression* const burst = limit.argument("burst");
  bool const bytes = rate.argument("unit") != nullptr;
  uint64_t const usual = bytes ? 0 : 5;
  return {amount(static_cast<uint64_t>(rate.number), bytes),
          amount(burst == nullptr ? usual : static_cast<uint64_t>(burst->number), bytes), bytes};
}

Json limit_as_json(const Statement& limit, const Style& style) {
  if (const Expression* const name = limit.argument("name")) return Json::named("limit", to_json(*name, style));
  auto const [rate, burst, bytes] = rates_of(limit);
  Json inner = Json::object({{"rate", rate.number}, {"burst", burst.number}, {"per", limit.argument("rate")->text}});
  if (limit.has("over")) inner["inv"] = true;
  if (bytes) {
    inner["rate_unit"] = rate.unit;
    inner["burst_unit"] = burst.unit;
  }
  return Json::named("limit", std::move(inner));
}

void limit_body_to_json(const Statement& limit, Json& object) {
  auto const [rate, burst, bytes] = rates_of(limit);
  object["rate"] = rate.number;
  object["per"] = limit.argument("rate")->text;
  if (limit.has("over")) object["inv"] = true;
  if (bytes) object["rate_unit"] = rate.unit;
  if (burst.number == 0) return;
  object["burst"] = burst.number;
  if (bytes) object["burst_unit"] = burst.unit;
}

void limit_body_from_json(Statement& limit, const Json& json, json_in::Reader&) {
  bool const bytes = json_in::text_or(json, "rate_unit", "packets") != "packets";
  Expression rate = bytes ? json_in::size_of(json, "rate", "rate_unit") : json_in::numeric(json_in::number_of(json_in::member(json, "rate")));
  if (!rate.text.empty()) rate.arguments.push_back({"unit", {}, json_in::word(rate.text)});
  rate.text = json_in::text_or(json, "per", "second");
  if (const Json* const number = json.find("burst")) {
    Expression burst = json.contains("burst_unit") ? json_in::size_of(json, "burst", "burst_unit") : json_in::numeric(json_in::number_of(*number));
    if (burst.number != 0) limit.set("burst", std::move(burst));
  }
  if (json_in::is_true(json, "inv")) limit.arguments.push_back({"over", {}, {}});
  limit.set("rate", std::move(rate));
}

void limit_from_json(Statement& limit, const Json& json, json_in::Reader& reader) {
  if (reader.has_members(limit, json)) limit_body_from_json(limit, json, reader);
}

uint64_t seconds_of(std::string_view unit) {
  if (unit == "second") return 1;
  if (unit == "minute") return 60;
  if (unit == "hour") return 3600;
  return unit == "day" ? 86400 : 604800;
}

/// A limit that was never asked remembers no time: its first packet finds it full.
void compile_limit(const Statement& limit, Compiler& compiler) {
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

const Module limit_module{.name = "limit", .help = "match at most so often", .parameters = kLimitParameters, .object = true, .stateful = true,
    .object_name = "limit", .check = check_limit, .print = print_limit, .print_body = print_body_limit, .to_json = limit_as_json,
    .from_json = limit_from_json, .body_to_json = limit_body_to_json, .body_from_json = limit_body_from_json, .compile = compile_limit};

}  // namespace bulkhead::ruleset
