// `quota over 25 mbytes`, `quota until 5 kbytes used 100 bytes`, `quota name "day"`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kQuotaParameters[] = {
    {.name = "over", .help = "match from here on", .rank = 1},
    {.name = "until", .help = "match up to here", .rank = 1},
    {.name = "", .takes = Takes::size, .unit = "bytes", .help = "so many", .rank = 2},
    {.name = "used", .takes = Takes::size, .unit = "bytes", .help = "so many so far", .initial = "0", .rank = 3},
    {.name = "name", .takes = Takes::value, .help = "a named quota instead"}};

/// `over` and `until` are flags; the size stands alone.
void check_quota(Statement& quota, Checker& checker) {
  if (Expression* const name = quota.argument("name")) {
    checker.object_reference(*name, "quota");
    return;
  }
  Expression* const size = quota.argument("");
  const Expression* const used = quota.argument("used");
  bool const in_bytes = size != nullptr && size->text.ends_with("bytes") && (used == nullptr || used->text.empty() || used->text.ends_with("bytes"));
  if (!in_bytes) {
    checker.error(quota.at, "Wrong unit format, expecting bytes, kbytes or mbytes");
    return;
  }
  Expression bytes = *size;
  quota.erase("");
  quota.erase("until");
  quota.set("bytes", std::move(bytes));
}

void print_body_quota(const Statement& quota, Out& out) {
  if (quota.has("over")) out << "over ";
  out.bytes(static_cast<uint64_t>(quota.argument("bytes")->number));
  const Expression* const used = quota.argument("used");
  if (used == nullptr || used->number == 0 || out.style().stateless) return;
  out << " used ";
  out.bytes(static_cast<uint64_t>(used->number));
}

void print_quota(const Statement& quota, Out& out) {
  out << "quota ";
  if (const Expression* const name = quota.argument("name")) {
    out << "name " << *name;
    return;
  }
  print_body_quota(quota, out);
}

void put_state_quota(Statement& quota, const StateWord& word) {
  if (word(0) == 0) return;
  const Expression* const bytes = quota.argument("bytes");
  uint64_t const most = bytes == nullptr ? 0 : static_cast<uint64_t>(bytes->number);
  quota.set("used", json_in::numeric(std::min(word(0), most)));  // as the kernel says of one that is used up
}

void put_size(Json& into, const char* value, const char* unit, Number bytes) {
  auto const [number, unit_name] = largest_unit(static_cast<uint64_t>(bytes));
  into[value] = number;
  into[unit] = unit_name;
}

Json quota_as_json(const Statement& quota, const Style& style) {
  if (const Expression* const name = quota.argument("name")) return Json::named("quota", to_json(*name, style));
  Json inner;
  put_size(inner, "val", "val_unit", quota.argument("bytes")->number);
  if (quota.has("over")) inner["inv"] = true;
  const Expression* const used = quota.argument("used");
  if (used != nullptr && used->number != 0 && !style.stateless) put_size(inner, "used", "used_unit", used->number);
  return Json::named("quota", std::move(inner));
}

void read_size(Statement& quota, const Json& json, std::string_view value) {
  quota.set("", json_in::size_of(json, value, "val_unit"));
  if (json.contains("used")) quota.set("used", json_in::size_of(json, "used", "used_unit"));
  if (json_in::is_true(json, "inv")) quota.arguments.push_back({"over", {}, {}});
}

void quota_from_json(Statement& quota, const Json& json, json_in::Reader& reader) {
  if (reader.has_members(quota, json)) read_size(quota, json, "val");
}

void quota_body_to_json(const Statement& quota, Json& object) {
  object["bytes"] = number_of(quota.argument("bytes"));
  object["used"] = number_of(quota.argument("used"));
  object["inv"] = quota.has("over");
}

void quota_body_from_json(Statement& quota, const Json& object, json_in::Reader&) { read_size(quota, object, "bytes"); }

void compile_quota(const Statement& quota, Compiler& compiler) {
  Compiler::Stateful const made = compiler.stateful(quota, 1);
  if (made.body == nullptr) return;
  const Expression* const bytes = made.body->argument("bytes");
  if (bytes == nullptr) return compiler.fail(quota.at, "quota: want a number of bytes");
  compiler.begin(made.word, made.body->number("used"));
  compiler.emit(run::quota, {.word = made.word, .a = bytes->number, .b = made.body->has("over") ? 1U : 0U});
}

}  // namespace

const Module quota_module{.name = "quota", .help = "match until, or after, so many bytes", .parameters = kQuotaParameters,
    .positional = true, .object = true, .stateful = true, .object_name = "quota", .may_be_reset = true, .check = check_quota, .print = print_quota, .print_body = print_body_quota,
    .put_state = put_state_quota, .to_json = quota_as_json, .from_json = quota_from_json, .body_to_json = quota_body_to_json,
    .body_from_json = quota_body_from_json, .compile = compile_quota};

}  // namespace bulkhead::ruleset
