// common/ruleset/read/json_reader_statements.cc: statements of json_reader.h.
#include "common/ruleset/read/json_reader.h"

namespace bulkhead::ruleset::json_in {
namespace {

void flags_of(Statement& statement, const Json& json) {
  if (!json.is_object() || !json.contains("flags")) return;
  const Json& flags = json["flags"];
  if (flags.is_array())
    for (const Json& flag : flags) statement.arguments.push_back({text_of(flag), {}, {}});
  else statement.arguments.push_back({text_of(flags), {}, {}});
}

Expression size_of(const Json& json, const char* number, const char* unit) {
  std::string const unit_name = text_or(json, unit, "bytes");
  uint64_t const factor = unit_name == "kbytes" ? 1024 : unit_name == "mbytes" ? 1024 * 1024 : 1;
  uint64_t const count = number_of(member(json, number));
  if (count > ~uint64_t{0} / factor) refuse("Invalid value: too large");
  Expression size = numeric(count * factor);
  size.text = unit_name;
  return size;
}

}  // namespace

Statement Reader::statement(const std::string& name, const Json& json) {
  if (name == "match" || name == "mangle" || name == "vmap" || name == "set" || name == "map" || name == "ct helper" ||
      name == "ct timeout" || name == "ct expectation")
    return special(name, json);
  const Module* const module = registry_.statement(name);
  if (module == nullptr) refuse(fmt::format("Unknown statement object '{}'", name));
  Statement made_of;
  made_of.module = module;
  if (module->form == Form::target) made_of.set("target", word(text_of(member(json, "target"))));
  else if (name == "snat" || name == "dnat" || name == "masquerade" || name == "redirect" || name == "tproxy") return nat(*module, json);
  else if (module->form != Form::verdict) general(made_of, json);
  return made_of;
}

Statement Reader::special(const std::string& name, const Json& json) {
  Statement made_of;
  if (name.starts_with("ct ")) {
    made_of.module = registry_.find("mangle", Form::special);
    made_of.set("key", of_key(registry_.find("ct", Form::select), name.substr(3)));
    made_of.set("value", json.is_object() ? expression(json) : word(text_of(json), true));
    return made_of;
  }
  made_of.module = registry_.find(name == "map" ? "set" : name, Form::special);
  if (name == "match") {
    std::string const sign = text_or(json, "op", "==");
    made_of.set("op", word(sign == "in" ? "" : sign));
    made_of.set("left", expression(member(json, "left")));
    made_of.set("right", expression(member(json, "right")));
  } else if (name == "mangle" || name == "vmap") {
    made_of.set("key", expression(member(json, "key")));
    made_of.set(name == "vmap" ? "data" : "value", expression(member(json, name == "vmap" ? "data" : "value")));
  } else {
    made_of.set("op", word(text_of(member(json, "op"))));
    made_of.set("set", reference(text_of(member(json, name == "map" ? "map" : "set"))));
    Expression element_of = element(member(json, "elem"));
    if (json.contains("stmt") && json["stmt"].is_array())
      for (const Json& one : json["stmt"]) element_of.statements.push_back(statement(one));
    made_of.set("elem", std::move(element_of));
    if (json.contains("data")) made_of.set("data", expression(json["data"]));
  }
  return made_of;
}

Statement Reader::nat(const Module& module, const Json& json) {
  Statement made_of;
  made_of.module = &module;
  if (json.is_null()) return made_of;
  if (std::string const family = text_or(json, "family"); family == "ip" || family == "ip6") made_of.arguments.push_back({family, {}, {}});
  if (text_or(json, "type_flags") == "prefix") made_of.arguments.push_back({"prefix", {}, {}});
  Expression to = made(Kind::list);
  to.parts.push_back(json.contains("addr") ? expression(json["addr"]) : Expression{});
  to.parts.push_back(json.contains("port") ? expression(json["port"]) : Expression{});
  if (json.contains("addr") || json.contains("port")) made_of.set("to", std::move(to));
  flags_of(made_of, json);
  return made_of;
}

void Reader::limit(Statement& statement, const Json& json) {
  Expression rate = json.contains("rate_unit") && text_of(json["rate_unit"]) != "packets" ? size_of(json, "rate", "rate_unit") : numeric(number_of(member(json, "rate")));
  if (!rate.text.empty()) rate.arguments.push_back({"unit", {}, word(rate.text)});
  rate.text = text_or(json, "per", "second");
  if (json.contains("burst")) {
    Expression burst = json.contains("burst_unit") ? size_of(json, "burst", "burst_unit") : numeric(number_of(json["burst"]));
    if (burst.number != 0) statement.set("burst", std::move(burst));
  }
  if (json.contains("inv") && json["inv"] == true) statement.arguments.push_back({"over", {}, {}});
  statement.set("rate", std::move(rate));
}

void Reader::log(Statement& statement, const Json& json) {
  for (const char* name : {"prefix", "level"})
    if (json.contains(name)) statement.set(name, word(text_of(json[name])));
  for (const char* name : {"group", "snaplen", "queue-threshold"})
    if (json.contains(name)) statement.set(name, numeric(number_of(json[name])));
  if (!json.contains("flags")) return;
  Expression words = made(Kind::list);
  auto const add = [&](const std::string& flags) {
    for (size_t at = 0; at < flags.size();) {
      auto const end = std::min(flags.find(' ', at), flags.size());
      words.parts.push_back(word(flags.substr(at, end - at)));
      at = end + 1;
    }
  };
  if (json["flags"].is_array())
    for (const Json& flag : json["flags"]) add(text_of(flag));
  else add(text_of(json["flags"]));
  statement.set("flags", std::move(words));
}

void Reader::general(Statement& statement, const Json& json) {
  std::string_view const name = statement.module->name;
  if (json.is_null()) return;
  if (statement.module->object && (json.is_string() || (json.is_object() && json.contains("map")))) {
    statement.set("name", json.is_string() ? word(text_of(json), true) : expression(json));
  } else if (!json.is_object()) {
    refuse(fmt::format("Invalid {}: object expected", name));
  } else if (name == "counter") {
    for (const char* key : {"packets", "bytes"})
      if (json.contains(key)) statement.set(key, numeric(number_of(json[key])));
  } else if (name == "quota") {
    statement.set("", size_of(json, "val", "val_unit"));
    if (json.contains("used")) statement.set("used", size_of(json, "used", "used_unit"));
    if (json.contains("inv") && json["inv"] == true) statement.arguments.push_back({"over", {}, {}});
  } else if (name == "limit") {
    limit(statement, json);
  } else if (name == "log") {
    log(statement, json);
  } else if (name == "reject") {
    std::string const kind = text_or(json, "type");
    if (kind == "tcp reset") statement.arguments.push_back({"tcp", {}, {}});
    else if (!kind.empty()) statement.arguments.push_back({kind, {}, {}});
    if (json.contains("expr")) statement.set("", expression(json["expr"]));
  } else if (name == "queue") {
    if (json.contains("num")) statement.set("num", expression(json["num"]));
    flags_of(statement, json);
  } else if (name == "synproxy") {
    for (const char* key : {"mss", "wscale"})
      if (json.contains(key)) statement.set(key, numeric(number_of(json[key])));
    flags_of(statement, json);
  } else if (name == "ct count") {
    statement.set("", word(text_of(member(json, "val"))));
    if (json.contains("inv") && json["inv"] == true) statement.arguments.push_back({"over", {}, {}});
  } else if (name == "flow") {
    statement.set("add", expression(member(json, "flowtable")));
  } else if (name == "dup" || name == "fwd") {
    Expression to = made(Kind::list);
    bool const address = json.contains("addr");
    to.parts = {expression(member(json, address ? "addr" : "dev")), {}};
    if (std::string const family = text_or(json, "family"); !family.empty()) statement.arguments.push_back({family, {}, {}});
    statement.set("to", std::move(to));
    if (address && json.contains("dev")) statement.set("device", expression(json["dev"]));
  }
}

}  // namespace bulkhead::ruleset::json_in