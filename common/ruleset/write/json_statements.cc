// common/ruleset/write/json_statements.cc: statements as libnftables' JSON has them.
#include "common/ruleset/write/json_tree.h"
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

using Json = nlohmann::ordered_json;

Json plain(Number number) { return static_cast<uint64_t>(number); }

Json match(const Statement& statement, const Style& style) {
  const Expression& left = *statement.argument("left");
  const Expression& right = *statement.argument("right");
  return {{"match", {{"op", statement.argument("op")->text}, {"left", to_json(left, style)}, {"right", to_json(right, style)}}}};
}

Json counter(const Statement& statement, const Style& style) {
  if (const Expression* const name = statement.argument("name")) return {{"counter", to_json(*name, style)}};
  if (style.stateless) return {{"counter", nullptr}};
  const Expression* const packets = statement.argument("packets");
  const Expression* const bytes = statement.argument("bytes");
  return {{"counter", {{"packets", plain(packets == nullptr ? 0 : packets->number)}, {"bytes", plain(bytes == nullptr ? 0 : bytes->number)}}}};
}

Json quota(const Statement& statement, const Style& style) {
  if (const Expression* const name = statement.argument("name")) return {{"quota", to_json(*name, style)}};
  auto const [value, unit] = largest_unit(static_cast<uint64_t>(statement.argument("bytes")->number));
  Json inner = {{"val", value}, {"val_unit", unit}};
  if (statement.has("over")) inner["inv"] = true;
  const Expression* const used = statement.argument("used");
  if (used != nullptr && used->number != 0 && !style.stateless) {
    auto const [number, used_unit] = largest_unit(static_cast<uint64_t>(used->number));
    inner["used"] = number;
    inner["used_unit"] = used_unit;
  }
  return {{"quota", inner}};
}

Json limit(const Statement& statement, const Style& style) {
  if (const Expression* const name = statement.argument("name")) return {{"limit", to_json(*name, style)}};
  const Expression& rate = *statement.argument("rate");
  const Expression* const burst = statement.argument("burst");
  bool const bytes = rate.argument("unit") != nullptr;
  auto const [value, unit] = bytes ? largest_unit(static_cast<uint64_t>(rate.number)) : std::pair{static_cast<uint64_t>(rate.number), std::string_view()};
  auto const burst_number = static_cast<uint64_t>(burst == nullptr ? (bytes ? 0 : 5) : burst->number);
  auto const [burst_value, burst_unit] = bytes ? largest_unit(burst_number) : std::pair{burst_number, std::string_view()};
  Json inner = {{"rate", value}, {"burst", burst_value}, {"per", rate.text}};
  if (statement.has("over")) inner["inv"] = true;
  if (bytes) {
    inner["rate_unit"] = unit;
    inner["burst_unit"] = burst_unit;
  }
  return {{"limit", inner}};
}

Json reject(const Statement& statement, const Style& style) {
  Json inner = {{"type", statement.argument("kind")->text}};
  if (const Expression* const code = statement.argument("expr")) inner["expr"] = to_json(*code, style);
  return {{"reject", inner}};
}

Json flags_json(const Statement& statement, std::initializer_list<const char*> names) {
  Json flags = Json::array();
  for (const char* name : names)
    if (statement.has(name)) flags.push_back(name);
  return flags.size() == 1 ? flags[0] : flags;
}

bool is_six(const Expression& target) {
  return target.parts[0].type == &ipv6_address;
}

Json nat(const Statement& statement, const Style& style) {
  Json inner = Json::object();
  bool const prefix = statement.has("prefix");
  if (statement.has("ip") || statement.has("ip6")) inner["family"] = statement.has("ip") ? "ip" : "ip6";
  else if (statement.has("interval")) inner["family"] = is_six(*statement.argument("to")) ? "ip6" : "ip";
  if (const Expression* const to = statement.argument("to")) {
    if (!to->parts[0].is(Kind::none)) inner["addr"] = to_json(to->parts[0], style);
    if (!to->parts[1].is(Kind::none)) inner["port"] = to_json(to->parts[1], style);
  }
  Json flags = flags_json(statement, {"random", "fully-random", "persistent"});
  if (prefix && flags.empty()) flags = "netmap";
  if (!flags.empty()) inner["flags"] = flags;
  if (prefix) inner["type_flags"] = "prefix";
  return {{statement.module->name, inner.empty() ? Json(nullptr) : inner}};
}

Json update(const Statement& statement, const Style& style) {
  const Expression* const data = statement.argument("data");
  Json inner = {{"op", statement.argument("op")->text}, {"elem", to_json(*statement.argument("elem"), style)}};
  if (data != nullptr) inner["data"] = to_json(*data, style);
  inner[data != nullptr ? "map" : "set"] = "@" + statement.argument("set")->text;
  Json list = Json::array();
  for (const Statement& one : statement.argument("elem")->statements) list.push_back(to_json(one, style));
  if (!list.empty()) {
    Expression bare = *statement.argument("elem");
    bare.statements.clear();
    inner["elem"] = to_json(bare, style);
    inner["stmt"] = list;
  }
  return {{data != nullptr ? "map" : "set", inner}};
}

Json queue(const Statement& statement, const Style& style) {
  const Expression& number = *statement.argument("num");
  Json inner = {{"num", to_json(number, style)}};
  if (Json const flags = flags_json(statement, {"bypass", "fanout"}); !flags.empty()) inner["flags"] = flags;
  return {{"queue", inner}};
}

Json synproxy(const Statement& statement, const Style& style) {
  if (const Expression* const name = statement.argument("name")) return {{"synproxy", to_json(*name, style)}};
  Json inner = Json::object();
  for (const char* name : {"mss", "wscale"})
    if (const Expression* const value = statement.argument(name)) inner[name] = plain(value->number);
  if (Json const flags = flags_json(statement, {"timestamp", "sack-perm"}); !flags.empty()) inner["flags"] = flags;
  return {{"synproxy", inner.empty() ? Json(nullptr) : inner}};
}

Json forwarded(const Statement& statement, const Style& style) {
  std::string_view const name = statement.module->name;
  Json inner = Json::object();
  if (name == "tproxy" || name == "fwd")
    if (statement.has("ip") || statement.has("ip6")) inner["family"] = statement.has("ip") ? "ip" : "ip6";
  const Expression& to = *statement.argument("to");
  bool const bare_device = name == "fwd" && !statement.has("device");
  if (!to.parts[0].is(Kind::none)) inner[bare_device ? "dev" : "addr"] = to_json(to.parts[0], style);
  if (!to.parts[1].is(Kind::none)) inner["port"] = to_json(to.parts[1], style);
  if (const Expression* const device = statement.argument("device")) inner["dev"] = to_json(*device, style);
  return {{name, inner}};
}

}  // namespace

void log_to_json(const Statement& log, unsigned flags, void* json) {
  Json inner = Json::object();
  if (const Expression* const prefix = log.argument("prefix")) inner["prefix"] = prefix->text;
  for (const char* name : {"group", "snaplen", "queue-threshold"})
    if (const Expression* const value = log.argument(name)) inner[name] = plain(value->number);
  const Expression* const level = log.argument("level");
  if (level != nullptr && level->text != "warn") inner["level"] = level->text;
  constexpr std::pair<unsigned, const char*> kNames[] = {{1, "tcp sequence"}, {2, "tcp options"}, {4, "ip options"}, {8, "skuid"}, {32, "ether"}};
  if (flags == 47) inner["flags"] = "all";
  else if (flags != 0) {
    Json list = Json::array();
    for (auto const& [bit, name] : kNames)
      if ((flags & bit) != 0) list.push_back(name);
    inner["flags"] = list.size() == 1 ? list[0] : list;
  }
  *static_cast<Json*>(json) = {{"log", inner.empty() ? Json(nullptr) : inner}};
}

Json general_json(const Statement& statement, const Style& style) {
  std::string_view const name = statement.module->name;
  if (name == "match") return match(statement, style);
  if (name == "mangle") {
    const Expression& key = *statement.argument("key");
    if (key.module->name == "ct" && (key.key->name == "helper" || key.key->name == "timeout" || key.key->name == "expectation"))
      return {{fmt::format("ct {}", key.key->name), to_json(*statement.argument("value"), style)}};
    return {{"mangle", {{"key", to_json(key, style)}, {"value", to_json(*statement.argument("value"), style)}}}};
  }
  if (name == "vmap") return {{"vmap", {{"key", to_json(*statement.argument("key"), style)}, {"data", to_json(*statement.argument("data"), style)}}}};
  if (name == "set") return update(statement, style);
  if (name == "counter") return counter(statement, style);
  if (name == "quota") return quota(statement, style);
  if (name == "limit") return limit(statement, style);
  if (name == "reject") return reject(statement, style);
  if (name == "snat" || name == "dnat" || name == "masquerade" || name == "redirect") return nat(statement, style);
  if (name == "queue") return queue(statement, style);
  if (name == "synproxy") return synproxy(statement, style);
  if (name == "dup" || name == "fwd" || name == "tproxy") return forwarded(statement, style);
  if (name == "flow") return {{"flow", {{"op", "add"}, {"flowtable", "@" + statement.argument("add")->text}}}};
  if (name == "ct count") {
    Json inner = {{"val", plain(statement.argument("val")->number)}};
    if (statement.has("over")) inner["inv"] = true;
    return {{"ct count", inner}};
  }
  if (const Expression* const target = statement.argument("target")) return {{name, {{"target", target->text}}}};
  return {{name, nullptr}};
}

namespace {

void write(const Json& json, std::string& out) {
  if (json.is_object() || json.is_array()) {
    out += json.is_object() ? '{' : '[';
    bool first = true;
    for (auto const& [key, value] : json.items()) {
      if (!std::exchange(first, false)) out += ", ";
      if (json.is_object()) out += Json(key).dump() + ": ";
      write(value, out);
    }
    out += json.is_object() ? '}' : ']';
    return;
  }
  out += json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string spaced(const Json& json) {
  std::string out;
  write(json, out);
  return out;
}

}  // namespace bulkhead::ruleset