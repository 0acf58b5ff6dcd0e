// `quota over 25 mbytes`, `quota until 5 kbytes used 100 bytes`, `quota name "day"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "over", .help = "match from here on"},
    {.name = "until", .help = "match up to here"},
    {.name = "used", .shape = Shape::size, .unit = "bytes", .help = "so many so far", .initial = "0"},
    {.name = "name", .shape = Shape::value, .help = "a named quota instead"}};

/// `over` and `until` are flags; the size stands alone.
void check(Statement& quota, Checker& checker) {
  if (Expression* const name = quota.argument("name")) {
    checker.object_reference(*name, "quota");
    return;
  }
  Expression* const size = quota.argument("");
  if (size == nullptr || size->text.empty()) {
    checker.error(quota.at, "Wrong unit format, expecting bytes, kbytes or mbytes");
    return;
  }
  Expression bytes = *size;
  quota.erase("");
  quota.erase("until");
  quota.set("bytes", std::move(bytes));
}

void print(const Statement& quota, Out& out) {
  out << "quota ";
  if (const Expression* const name = quota.argument("name")) {
    out << "name " << *name;
    return;
  }
  print_quota_body(quota, out);
}

void compile(const Statement& quota, Compiler& compiler) {
  Compiler::Stateful const made = compiler.stateful(quota, 1);
  if (made.body == nullptr) return;
  const Expression* const bytes = made.body->argument("bytes");
  if (bytes == nullptr) return compiler.fail(quota.at, "quota: want a number of bytes");
  compiler.begin(made.word, made.body->number("used"));
  compiler.emit(run::quota, {.word = made.word, .a = bytes->number, .b = made.body->has("over") ? 1U : 0U});
}

}  // namespace

void print_quota_body(const Statement& quota, Out& out) {
  if (quota.has("over")) out << "over ";
  out.bytes(static_cast<uint64_t>(quota.argument("bytes")->number));
  const Expression* const used = quota.argument("used");
  if (used == nullptr || used->number == 0 || out.style().stateless) return;
  out << " used ";
  out.bytes(static_cast<uint64_t>(used->number));
}

const Module quota_module{.name = "quota", .help = "match until, or after, so many bytes", .parameters = kParameters,
                          .positional = true,
                          .object = true, .object_name = "quota", .check = check, .print = print,
                          .compile = compile};

}  // namespace bulkhead::ruleset