// common/ruleset/write/json.cc: rulesets out as JSON. In: json_input.cc.
#include "common/ruleset/write/json.h"

#include "common/ruleset/write/json_tree.h"
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

using Json = nlohmann::ordered_json;

Json number_json(Number number) { return static_cast<uint64_t>(number); }

Json text_of_value(const Expression& value, const Style& style) {
  std::string text;
  print_value(value, style, text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

/// Symbols and addresses are strings, plain numbers numbers.
Json value_json(const Expression& value, const Style& style) {
  const DataType& type = *value.type;
  if (type.bitmask && !type.symbols.empty()) {
    Json list = Json::array();
    Number rest = value.number;
    std::vector<Symbol> symbols(type.symbols.begin(), type.symbols.end());
    std::ranges::stable_sort(symbols, {}, [](const Symbol& one) { return one.value; });
    for (const Symbol& symbol : symbols)
      if ((rest & symbol.value) != 0) {
        list.push_back(style.*(type.numeric) ? number_json(symbol.value) : Json(symbol.name));
        rest &= ~symbol.value;
      }
    if (rest != 0 || list.empty()) list.push_back(number_json(rest));
    return list.size() == 1 ? list[0] : list;
  }
  if (&type == &ct_label || &type == &realm || &type == &device_group) {
    Json text = text_of_value(value, style);
    if (&type == &realm || text.get<std::string>().find_first_not_of("0123456789") != std::string::npos) return text;
    return number_json(*parse_number(text.get<std::string>()));
  }
  if (type.text || type.prefixes || &type == &link_address) {
    if (&type == &mark) return number_json(value.number);
    return text_of_value(value, style);
  }
  if (&type == &boolean_type) return value.number != 0;
  if (&type == &relative_time) return number_json(value.number / 1000);
  if (&type == &user_id || &type == &group_id) return style.guid ? text_of_value(value, style) : number_json(value.number);
  if (&type == &time_of_day || &type == &packet_time || &type == &day_of_week) return text_of_value(value, style);
  if (&type == &class_id) return text_of_value(value, style);
  if (!(style.*(type.numeric)))
    for (const Symbol& symbol : type.symbols)
      if (symbol.value == value.number) return symbol.name;
  if (&type == &inet_service && style.service) return text_of_value(value, style);
  return number_json(value.number);
}

Json select_json(const Expression& select, const Style& style) {
  const Module& module = *select.module;
  std::string const key(select.key->name);
  if (module.name == "@")
    return {{"payload", {{"base", select.text}, {"offset", number_json(select.number)}, {"len", select.bits}}}};
  if (module.form == Form::header && (module.layer != Layer::none || module.name == "th"))
    return {{"payload", {{"protocol", module.name}, {"field", key}}}};
  if (module.form == Form::header) {
    Json inner = {{"name", module.name == "exthdr" ? key : std::string(module.name)}};
    if (module.name != "exthdr") inner["field"] = key;
    return {{"exthdr", inner}};
  }
  if (module.form == Form::option) {
    Json inner = {{"name", key.substr(0, key.find(' '))}};
    if (key.find(' ') != std::string::npos) inner["field"] = key.substr(key.find(' ') + 1);
    return {{module.name, inner}};
  }
  auto const number_of = [&](const char* name) { return select.argument(name) == nullptr ? Json(0) : number_json(select.argument(name)->number); };
  if (module.name == "numgen") return {{"numgen", {{"mode", key}, {"mod", number_of("mod")}, {"offset", number_of("offset")}}}};
  if (module.name == "symhash" || module.form == Form::hash) {
    Json inner = {{"mod", number_of("mod")}};
    if (module.form == Form::hash) {
      if (select.argument("seed") != nullptr) inner["seed"] = number_of("seed");
      inner["expr"] = to_json(select.parts[0], style);
    }
    if (number_of("offset") != 0) inner["offset"] = number_of("offset");
    return {{module.name, inner}};
  }
  if (module.name == "fib") {
    Json flags = Json::array();
    for (const Argument& one : select.arguments) flags.push_back(one.name);
    return {{"fib", {{"result", key}, {"flags", flags}}}};
  }
  Json inner = {{"key", key}};
  for (const Argument& one : select.arguments) {
    if (one.name == "original" || one.name == "reply") inner["dir"] = one.name;
    else if (module.name == "ct") continue;
    else if (module.name == "rt") inner["family"] = one.name;
    else if (!one.value.is(Kind::none)) inner[one.name] = number_json(one.value.number);
  }
  return {{module.name, inner}};
}

Json verdict_json(const Expression& verdict) {
  if (verdict.parts.empty()) return {{verdict.text, nullptr}};
  return {{verdict.text, {{"target", verdict.parts[0].text}}}};
}

Json list_json(const std::vector<Expression>& parts, const Style& style) {
  Json list = Json::array();
  for (const Expression& part : parts) list.push_back(to_json(part, style));
  return list;
}

Json element_json(const Expression& element, const Style& style) {
  Json key = to_json(element.parts[0], style);
  const Expression& plain_key = element.parts[0];
  if (key.is_array() && plain_key.is(Kind::value) && plain_key.type->bitmask) key = {{"|", key}};
  if (!element.arguments.empty() || !element.statements.empty()) {
    Json inner = {{"val", key}};
    for (const Argument& one : element.arguments) {
      if (one.name == "comment") inner["comment"] = one.value.text;
      else inner[one.name] = number_json(one.value.number / 1000);
    }
    for (const Statement& one : element.statements) {
      Json statement = to_json(one, style);
      for (auto& [name, value] : statement.items()) inner[name] = value;
    }
    key = {{"elem", inner}};
  }
  if (element.parts.size() < 2) return key;
  return Json::array({key, to_json(element.parts[1], style)});
}

}  // namespace

Json to_json(const Expression& expression, const Style& style) {
  switch (expression.kind) {
    case Kind::text: return expression.text;
    case Kind::value: return value_json(expression, style);
    case Kind::select: return select_json(expression, style);
    case Kind::prefix:
      return {{"prefix", {{"addr", to_json(expression.parts[0], style)}, {"len", number_json(expression.number)}}}};
    case Kind::range: return {{"range", list_json(expression.parts, style)}};
    case Kind::list: return list_json(expression.parts, style);
    case Kind::concat: return {{"concat", list_json(expression.parts, style)}};
    case Kind::set: return {{"set", list_json(expression.parts, style)}};
    case Kind::element: return element_json(expression, style);
    case Kind::binary: return {{expression.text, list_json(expression.parts, style)}};
    case Kind::lookup: return {{"map", {{"key", to_json(expression.parts[0], style)}, {"data", to_json(expression.parts[1], style)}}}};
    case Kind::reference: return "@" + expression.text;
    case Kind::verdict: return verdict_json(expression);
    case Kind::wildcard: return "*";
    default: return nullptr;
  }
}

Json to_json(const Statement& statement, const Style& style) {
  const Module& module = *statement.module;
  if (module.to_json != nullptr) {
    Json json;
    module.to_json(statement, style, &json);
    return json;
  }
  return general_json(statement, style);
}

namespace {

Json field_types(const Set& set, const std::vector<Expression>& fields) {
  (void)set;
  Json list = Json::array();
  for (const Expression& field : fields) list.push_back(field.type == nullptr ? "integer" : field.type->name);
  return list.size() == 1 ? list[0] : list;
}

std::string joined_types(const std::vector<Expression>& fields) {
  std::string text;
  for (const Expression& field : fields) text += fmt::format("{}{}", text.empty() ? "" : " . ", field.type == nullptr ? "integer" : field.type->name);
  return text;
}

Json set_json(const Table& table, const Set& set, const Style& style) {
  Json inner = {{"family", table.family}, {"name", set.name}, {"table", table.name}, {"type", field_types(set, set.key)}, {"handle", set.handle}};
  if (!set.comment.empty()) inner["comment"] = set.comment;
  if (set.map) inner["map"] = set.object.empty() ? Json(joined_types(set.data)) : Json(set.object);
  if (set.memory) inner["policy"] = "memory";
  if (set.size != 0) inner["size"] = set.size;
  Json flags = Json::array();
  if (set.constant) flags.push_back("constant");
  if (set.interval) flags.push_back("interval");
  if (set.timeouts) flags.push_back("timeout");
  if (!flags.empty()) inner["flags"] = flags;
  if (set.timeout_ms != 0) inner["timeout"] = set.timeout_ms / 1000;
  if (set.gc_interval_ms != 0) inner["gc-interval"] = set.gc_interval_ms / 1000;
  if (!set.elements.empty() && !style.terse) {
    Json list = Json::array();
    for (const Expression& element : set.elements) list.push_back(to_json(element, style));
    inner["elem"] = list;
  }
  Style plain = style;
  plain.stateless = true;
  if (!set.statements.empty()) {
    Json list = Json::array();
    for (const Statement& one : set.statements) list.push_back(to_json(one, plain));
    inner["stmt"] = list;
  }
  return {{set.map ? "map" : "set", inner}};
}

Json object_json(const Table& table, const Object& object, const Style& style) {
  const Statement& body = object.body;
  Json inner = {{"family", table.family}, {"name", object.name}, {"table", table.name}, {"handle", object.handle}};
  if (!object.comment.empty()) inner["comment"] = object.comment;
  std::string const kind(body.module->object_name);
  auto const number_of = [&](const char* name) { return body.argument(name) == nullptr ? Json(0) : number_json(body.argument(name)->number); };
  auto const text = [&](const char* name) { return body.argument(name) == nullptr ? Json("") : Json(body.argument(name)->text); };
  if (kind == "counter") {
    inner["packets"] = number_of("packets");
    inner["bytes"] = number_of("bytes");
  } else if (kind == "quota") {
    inner["bytes"] = number_of("bytes");
    inner["used"] = number_of("used");
    inner["inv"] = body.has("over");
  } else if (kind == "limit") {
    Json const limit = to_json(body, style)["limit"];
    for (const char* name : {"rate", "per", "rate_unit", "inv", "burst", "burst_unit"})
      if (limit.contains(name) && !(limit["burst"] == 0 && std::string_view(name).starts_with("burst"))) inner[name] = limit[name];
  } else if (kind == "ct helper") {
    inner["type"] = text("type");
    inner["protocol"] = text("protocol");
    inner["l3proto"] = text("l3proto");
  } else if (kind == "ct timeout") {
    inner["protocol"] = text("protocol");
    inner["l3proto"] = text("l3proto");
    Json policy = Json::object();
    if (const Expression* const states = body.argument("policy"))
      for (const Argument& state : states->arguments) policy[state.name] = number_json(state.value.number / 1000);
    inner["policy"] = policy;
  } else if (kind == "ct expectation") {
    inner["protocol"] = text("protocol");
    inner["dport"] = number_of("dport");
    inner["timeout"] = number_of("timeout");
    inner["size"] = number_of("size");
    inner["l3proto"] = text("l3proto");
  } else if (kind == "synproxy") {
    Json const all = to_json(body, style);
    for (auto& [name, value] : all["synproxy"].items()) inner[name] = value;
  } else if (kind == "secmark") {
    inner["context"] = text("");
  }
  return {{kind, inner}};
}

Json chain_json(const Table& table, const Chain& chain) {
  Json inner = {{"family", table.family}, {"table", table.name}, {"name", chain.name}, {"handle", chain.handle}};
  if (chain.base) {
    inner["type"] = chain.base->type;
    inner["hook"] = chain.base->hook;
    inner["prio"] = chain.base->priority;
    if (chain.base->devices.size() > 1) inner["dev"] = chain.base->devices;
    inner["policy"] = chain.base->drop ? "drop" : "accept";
  }
  return {{"chain", inner}};
}

Json rule_json(const Table& table, const Chain& chain, const Rule& rule, const Style& style) {
  Json inner = {{"family", table.family}, {"table", table.name}, {"chain", chain.name}, {"handle", rule.handle}};
  if (!rule.comment.empty()) inner["comment"] = rule.comment;
  Json list = Json::array();
  for (const Statement& one : rule.statements)
    if (!one.hidden) list.push_back(to_json(one, style));
  inner["expr"] = list;
  return {{"rule", inner}};
}

Json flowtable_json(const Table& table, const Flowtable& flowtable) {
  Json inner = {{"family", table.family}, {"name", flowtable.name}, {"table", table.name}, {"handle", flowtable.handle},
                {"hook", "ingress"}, {"prio", flowtable.priority}};
  if (flowtable.devices.size() == 1) inner["dev"] = flowtable.devices[0];
  else if (!flowtable.devices.empty()) inner["dev"] = flowtable.devices;
  return {{"flowtable", inner}};
}

}  // namespace

std::string json_text(const Ruleset& ruleset, const Style& style) {
  Json all = Json::array();
  all.push_back({{"metainfo", {{"version", "1.0.6"}, {"release_name", "Lester Gooch #5"}, {"json_schema_version", 1}}}});
  for (const Table& table : ruleset.tables) {
    Json inner = {{"family", table.family}, {"name", table.name}, {"handle", table.handle}};
    if (table.dormant) inner["flags"] = "dormant";
    all.push_back({{"table", inner}});
    for (const Object& one : table.objects) all.push_back(object_json(table, one, style));
    for (const Set& one : table.sets) all.push_back(set_json(table, one, style));
    for (const Flowtable& one : table.flowtables) all.push_back(flowtable_json(table, one));
    for (const Chain& one : table.chains) all.push_back(chain_json(table, one));
    for (const Chain& one : table.chains)
      for (const Rule& rule : one.rules) all.push_back(rule_json(table, one, rule, style));
  }
  return spaced(Json{{"nftables", all}});
}

}  // namespace bulkhead::ruleset