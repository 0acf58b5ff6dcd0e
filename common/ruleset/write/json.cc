// common/ruleset/write/json.cc: rulesets out as JSON. In: json_input.cc.
#include "common/ruleset/write/json.h"

#include <algorithm>

#include "common/ruleset/write/json_tree.h"
#include "common/ruleset/write/shown.h"

namespace bulkhead::ruleset {
namespace {

std::string text_of_value(const Expression& value, const Style& style) {
  std::string text;
  print_value(value, style, text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

/// Flags as a list of their symbols, lowest bit first; one alone by itself.
Json flags_of_value(const Expression& value, const Style& style) {
  const DataType& type = *value.type;
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
  return list.size() == 1 ? Json(list.values()[0]) : list;
}

/// A number where it has no other name.
Json named_value(const Expression& value, const Style& style) {
  std::string const text = text_of_value(value, style);
  if (text.find_first_not_of("0123456789") != std::string::npos) return text;
  return number_json(*parse_number(text));
}

/// Symbols and addresses are strings, plain numbers numbers.
Json value_json(const Expression& value, const Style& style) {
  const DataType& type = *value.type;
  if (type.bitmask && !type.symbols.empty()) return flags_of_value(value, style);
  if (&type == &ct_label || &type == &device_group) return named_value(value, style);
  if (&type == &mark) return number_json(value.number);
  if (type.text || type.prefixes) return text_of_value(value, style);
  constexpr std::array kTexts = {&realm, &link_address, &time_of_day, &packet_time, &day_of_week, &class_id};
  if (std::ranges::find(kTexts, &type) != kTexts.end()) return text_of_value(value, style);
  if (&type == &boolean_type) return value.number != 0;
  if (&type == &relative_time) return number_json(value.number / 1000);
  if (&type == &user_id || &type == &group_id) return style.guid ? Json(text_of_value(value, style)) : number_json(value.number);
  if (!(style.*(type.numeric)))
    for (const Symbol& symbol : type.symbols)
      if (symbol.value == value.number) return symbol.name;
  if (&type == &inet_service && style.service) return text_of_value(value, style);
  return number_json(value.number);
}

Json header_json(const Module& module, std::string_view key) {
  if (module.layer != Layer::none) return Json::named("payload", Json::object({{"protocol", module.name}, {"field", key}}));
  if (module.role == Role::presence) return Json::named("exthdr", Json::named("name", key));
  return Json::named("exthdr", Json::object({{"name", module.name}, {"field", key}}));
}

Json select_json(const Expression& select, const Style& style) {
  const Module& module = *select.module;
  if (module.select_to_json != nullptr) return module.select_to_json(select, style);
  if (module.form == Form::header) return header_json(module, select.key->name);
  if (module.form == Form::option) return option_json(module, select.key->name);
  Json inner = Json::named("key", select.key->name);
  for (const Argument& one : select.arguments)
    if (!one.value.is(Kind::none)) inner[one.name] = number_json(one.value.number);
  return Json::named(module.name, std::move(inner));
}

Json verdict_json(const Expression& verdict) {
  return Json::named(verdict.text, verdict.parts.empty() ? Json() : Json::named("target", verdict.parts[0].text));
}

Json list_json(const std::vector<Expression>& parts, const Style& style) {
  Json list = Json::array();
  for (const Expression& part : parts) list.push_back(to_json(part, style));
  return list;
}

Json element_json(const Expression& element, const Style& style) {
  Json key = to_json(element.parts[0], style);
  const Expression& plain_key = element.parts[0];
  if (key.is(Json::Type::array) && plain_key.is(Kind::value) && plain_key.type->bitmask) key = Json::named("|", std::move(key));
  if (!element.arguments.empty() || !element.statements.empty()) {
    Json inner = Json::named("val", std::move(key));
    for (const Argument& one : element.arguments) {
      if (one.name == "comment") inner["comment"] = one.value.text;
      else inner[one.name] = number_json(one.value.number / 1000);
    }
    for (const Statement& one : element.statements) {
      Json const statement = to_json(one, style);
      for (size_t i = 0; i < statement.size(); ++i) inner[statement.names()[i]] = statement.values()[i];
    }
    key = Json::named("elem", std::move(inner));
  }
  if (element.parts.size() < 2) return key;
  return Json::array({std::move(key), to_json(element.parts[1], style)});
}

}  // namespace

Json option_json(const Module& module, std::string_view key) {
  auto const space = std::min(key.find(' '), key.size());
  Json inner = Json::named("name", key.substr(0, space));
  if (space != key.size()) inner["field"] = key.substr(space + 1);
  return Json::named(module.name, std::move(inner));
}

Json to_json(const Expression& expression, const Style& style) {
  switch (expression.kind) {
    case Kind::text: return expression.text;
    case Kind::value: return value_json(expression, style);
    case Kind::select: return select_json(expression, style);
    case Kind::prefix:
      return Json::named("prefix", Json::object({{"addr", to_json(expression.parts[0], style)}, {"len", number_json(expression.number)}}));
    case Kind::range: return Json::named("range", list_json(expression.parts, style));
    case Kind::list: return list_json(expression.parts, style);
    case Kind::concat: return Json::named("concat", list_json(expression.parts, style));
    case Kind::set: return Json::named("set", list_json(expression.parts, style));
    case Kind::element: return element_json(expression, style);
    case Kind::binary: return Json::named(expression.text, list_json(expression.parts, style));
    case Kind::lookup:
      return Json::named("map", Json::object({{"key", to_json(expression.parts[0], style)}, {"data", to_json(expression.parts[1], style)}}));
    case Kind::reference: return "@" + expression.text;
    case Kind::verdict: return verdict_json(expression);
    case Kind::wildcard: return "*";
    default: return nullptr;
  }
}

Json to_json(const Statement& statement, const Style& style) {
  const Module& module = *statement.module;
  if (module.to_json != nullptr) return module.to_json(statement, style);
  const Expression* const target = statement.argument("target");
  return Json::named(module.name, target == nullptr ? Json() : Json::named("target", target->text));
}

Json number_of(const Expression* argument) { return argument == nullptr ? Json(0) : number_json(argument->number); }
Json text_of(const Expression* argument) { return argument == nullptr ? Json("") : Json(argument->text); }

Json flags_json(const Statement& statement, std::initializer_list<const char*> names) {
  Json flags = Json::array();
  for (const char* name : names)
    if (statement.has(name)) flags.push_back(name);
  return flags.size() == 1 ? Json(flags.values()[0]) : flags;
}

void put_family(const Statement& statement, Json& object) {
  if (statement.has("ip") || statement.has("ip6")) object["family"] = statement.has("ip") ? "ip" : "ip6";
}

namespace {

Json names_json(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push_back(name);
  return list;
}

Json field_types(const std::vector<Expression>& fields) {
  Json list = Json::array();
  for (const Expression& field : fields) list.push_back(field.type == nullptr ? "integer" : field.type->name);
  return list.size() == 1 ? Json(list.values()[0]) : list;
}

std::string joined_types(const std::vector<Expression>& fields) {
  std::string text;
  for (const Expression& field : fields) text += fmt::format("{}{}", text.empty() ? "" : " . ", field.type == nullptr ? "integer" : field.type->name);
  return text;
}

Json set_flags(const Set& set) {
  Json flags = Json::array();
  for (auto const& [on, name] : {std::pair{set.constant, "constant"}, {set.interval, "interval"}, {set.timeouts, "timeout"}})
    if (on) flags.push_back(name);
  return flags;
}

Json set_json(const Table& table, const Set& set, const Style& style) {
  Json inner = Json::object({{"family", table.family}, {"name", set.name}, {"table", table.name}, {"type", field_types(set.key)}, {"handle", set.handle}});
  if (!set.comment.empty()) inner["comment"] = set.comment;
  if (set.map) inner["map"] = set.object.empty() ? joined_types(set.data) : set.object;
  if (set.memory) inner["policy"] = "memory";
  if (set.size != 0) inner["size"] = set.size;
  if (Json flags = set_flags(set); !flags.empty()) inner["flags"] = std::move(flags);
  if (set.timeout_ms != 0) inner["timeout"] = set.timeout_ms / 1000;
  if (set.gc_interval_ms != 0) inner["gc-interval"] = set.gc_interval_ms / 1000;
  if (!set.elements.empty() && !style.terse) inner["elem"] = list_json(set.elements, style);
  Style plain = style;
  plain.stateless = true;
  Json list = Json::array();
  for (const Statement& one : set.statements) list.push_back(to_json(one, plain));
  if (!list.empty()) inner["stmt"] = std::move(list);
  return Json::named(set.meter ? "meter" : set.map ? "map" : "set", std::move(inner));
}

/// The general way: parameters are members.
void put_body(const Statement& body, Json& object) {
  for (const Parameter& parameter : body.module->parameters) {
    const Expression* const argument = body.argument(parameter.name);
    if (parameter.takes == Takes::value) continue;
    if (parameter.takes == Takes::number || parameter.takes == Takes::time) {
      object[parameter.name] = number_of(argument);
    } else if (parameter.takes != Takes::block) {
      object[parameter.name] = text_of(argument);
    } else {
      Json block = Json::object();
      if (argument != nullptr)
        for (const Argument& entry : argument->arguments) block[entry.name] = number_json(entry.value.number / 1000);
      object[parameter.name] = block.empty() ? Json() : std::move(block);
    }
  }
}

Json object_json(const Table& table, const Object& object) {
  const Module& module = *object.body.module;
  Json inner = Json::object({{"family", table.family}, {"name", object.name}, {"table", table.name}, {"handle", object.handle}});
  if (!object.comment.empty()) inner["comment"] = object.comment;
  if (module.body_to_json != nullptr) module.body_to_json(object.body, inner);
  else put_body(object.body, inner);
  return Json::named(module.object_name, std::move(inner));
}

Json chain_json(const Table& table, const Chain& chain) {
  Json inner = Json::object({{"family", table.family}, {"table", table.name}, {"name", chain.name}, {"handle", chain.handle}});
  if (chain.base) {
    inner["type"] = chain.base->type;
    inner["hook"] = chain.base->hook;
    inner["prio"] = chain.base->priority;
    inner["policy"] = chain.base->drop ? "drop" : "accept";
  }
  return Json::named("chain", std::move(inner));
}

Json rule_json(const Table& table, const Chain& chain, const Rule& rule, const Style& style) {
  Json inner = Json::object({{"family", table.family}, {"table", table.name}, {"chain", chain.name}, {"handle", rule.handle}});
  if (!rule.comment.empty()) inner["comment"] = rule.comment;
  Json list = Json::array();
  for (const Statement& one : rule.statements)
    if (!one.hidden) list.push_back(to_json(one, style));
  inner["expr"] = std::move(list);
  return Json::named("rule", std::move(inner));
}

Json flowtable_json(const Table& table, const Flowtable& flowtable) {
  Json inner = Json::object({{"family", table.family}, {"name", flowtable.name}, {"table", table.name}, {"handle", flowtable.handle},
                             {"hook", "ingress"}, {"prio", flowtable.priority}});
  if (flowtable.devices.size() == 1) inner["dev"] = flowtable.devices[0];
  else if (!flowtable.devices.empty()) inner["dev"] = names_json(flowtable.devices);
  return Json::named("flowtable", std::move(inner));
}

Json table_json(const Table& table) {
  Json inner = Json::object({{"family", table.family}, {"name", table.name}, {"handle", table.handle}});
  if (table.dormant) inner["flags"] = "dormant";
  return Json::named("table", std::move(inner));
}

}  // namespace

namespace {

Json begin_listing() {
  Json all = Json::array();
  all.push_back(Json::named("metainfo", Json::object({{"version", "1.0.6"}, {"release_name", "Lester Gooch #5"}, {"json_schema_version", 1}})));
  return all;
}

void put_shown(Json& all, const Shown& shown, const Style& style) {
  const Table& table = *shown.table;
  if (shown.whole) all.push_back(table_json(table));
  for (const Object* const one : shown.objects) all.push_back(object_json(table, *one));
  for (const Set* const one : shown.sets) all.push_back(set_json(table, *one, style));
  for (const Flowtable* const one : shown.flowtables) all.push_back(flowtable_json(table, *one));
  for (const Chain* const one : shown.chains) all.push_back(chain_json(table, *one));
  if (!shown.rules) return;
  for (const Chain* const one : shown.chains)
    for (const Rule& rule : one->rules) all.push_back(rule_json(table, *one, rule, style));
}

}  // namespace

std::string json_text(const Ruleset& ruleset, const Style& style) {
  Json all = begin_listing();
  for (const Table& table : ruleset.tables) put_shown(all, whole(table), style);
  return to_text(Json::named("nftables", std::move(all)));
}

std::string list_json(const Ruleset& ruleset, const Command& list, const Style& style) {
  Json all = begin_listing();
  for (const Shown& one : shown(ruleset, list)) {
    if (list.thing == Thing::tables) all.push_back(table_json(*one.table));
    else put_shown(all, one, style);
  }
  return to_text(Json::named("nftables", std::move(all)));
}

}  // namespace bulkhead::ruleset
