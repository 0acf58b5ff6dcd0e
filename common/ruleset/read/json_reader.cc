// common/ruleset/read/json_reader.cc: expressions and statements of json_reader.h. Those of modules: in the modules' files.
#include "common/ruleset/read/json_reader.h"

namespace bulkhead::ruleset::json_in {

void refuse(std::string reason) { throw Refusal{std::move(reason)}; }

const Json& member(const Json& object, std::string_view name) {
  const Json* const there = object.find(name);
  if (there == nullptr) refuse(fmt::format("Parsing command failed: no '{}'", name));
  return *there;
}

std::string text_of(const Json& json) {
  if (json.is(Json::Type::text)) return json.text();
  if (json.is(Json::Type::whole)) return fmt::format("{}", json.whole());
  refuse("Invalid value: string expected");
}

std::string text_or(const Json& object, std::string_view name, const std::string& otherwise) {
  const Json* const there = object.find(name);
  return there != nullptr ? text_of(*there) : otherwise;
}

uint64_t number_of(const Json& json) {
  if (!json.is(Json::Type::whole)) refuse("Invalid value: number expected");
  return json.whole();
}

bool is_true(const Json& object, std::string_view name) {
  const Json* const there = object.find(name);
  return there != nullptr && there->is_true();
}

Expression made(Kind kind) {
  Expression expression;
  expression.kind = kind;
  return expression;
}

Expression word(std::string text, bool quoted) {
  Expression expression = made(Kind::text);
  expression.text = std::move(text);
  expression.quoted = quoted;
  return expression;
}

Expression numeric(uint64_t number) {
  Expression expression = made(Kind::value);
  expression.type = &integer_type;
  expression.bits = 64;
  expression.number = number;
  return expression;
}

void flags_of(Statement& statement, const Json& json) {
  if (const Json* const flags = json.find("flags"); flags != nullptr && flags->is(Json::Type::array))
    for (const Json& flag : flags->values()) statement.arguments.push_back({text_of(flag), {}, {}});
  else if (flags != nullptr) statement.arguments.push_back({text_of(*flags), {}, {}});
}

Expression size_of(const Json& json, std::string_view number, std::string_view unit) {
  std::string const unit_name = text_or(json, unit, "bytes");
  uint64_t const factor = unit_name == "kbytes" ? 1024 : unit_name == "mbytes" ? 1024 * 1024 : 1;
  uint64_t const count = number_of(member(json, number));
  if (count > ~uint64_t{0} / factor) refuse("Invalid value: too large");
  Expression size = numeric(count * factor);
  size.text = unit_name;
  return size;
}

void take_numbers(Statement& statement, const Json& json, std::initializer_list<std::string_view> names) {
  for (std::string_view const name : names)
    if (const Json* const there = json.find(name)) statement.set(std::string(name), numeric(number_of(*there)));
}

void take_numbers(Expression& select, const Json& json, std::initializer_list<std::string_view> names) {
  for (std::string_view const name : names)
    if (const Json* const there = json.find(name)) select.arguments.push_back({std::string(name), {}, numeric(number_of(*there))});
}

Expression Reader::expression(const Json& json) {
  using Type = Json::Type;
  switch (json.type()) {
    case Type::boolean: return word(json.is_true() ? "exists" : "missing");
    case Type::whole:
    case Type::negative:
    case Type::real: return word(text_of(json));
    case Type::text:
      if (json.text().starts_with('@')) return reference(json.text());
      return json.text() == "*" ? made(Kind::wildcard) : word(json.text(), true);
    case Type::array: return many(Kind::list, json);
    default: break;
  }
  if (!json.is(Type::object) || json.size() != 1) refuse("Invalid expression: object with one member expected");
  return named(json.names()[0], json.values()[0]);
}

Statement Reader::statement(const Json& json) {
  if (!json.is(Json::Type::object) || json.size() != 1) refuse("Invalid statement: object with one member expected");
  return statement(json.names()[0], json.values()[0]);
}

Expression Reader::element(const Json& json) {
  bool const pair = json.is(Json::Type::array) && json.size() == 2;
  const Json& key = pair ? json.values()[0] : json;
  const Json* const whole = key.find("elem");
  Expression element = made(Kind::element);
  if (whole != nullptr) element = whole_element("elem", *whole);
  else element.parts.push_back(expression(key));
  if (pair) element.parts.push_back(expression(json.values()[1]));
  return element;
}

/// `{"val": KEY, "timeout": 5, "counter": {...}}`
Expression Reader::whole_element(const std::string&, const Json& json) {
  Expression element = made(Kind::element);
  element.parts.push_back(expression(member(json, "val")));
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string& name = json.names()[i];
    const Json& value = json.values()[i];
    if (name == "timeout" || name == "expires") element.arguments.push_back({name, {}, numeric(number_of(value) * 1000)});
    else if (name == "comment") element.arguments.push_back({name, {}, word(text_of(value))});
    else if (name != "val") element.statements.push_back(statement(name, value));
  }
  return element;
}

std::vector<Expression> Reader::elements(const Json& json) {
  std::vector<Expression> list;
  if (!json.is(Json::Type::array)) list.push_back(element(json));
  else
    for (const Json& one : json.values()) list.push_back(element(one));
  return list;
}

Expression Reader::reference(const std::string& text) {
  Expression expression = made(Kind::reference);
  expression.text = text.substr(1);
  return expression;
}

Expression Reader::many(Kind kind, const Json& json) {
  if (!json.is(Json::Type::array)) refuse("Invalid expression: array expected");
  if (json.size() > 4096 && kind != Kind::set) refuse("Invalid expression: too many members");
  Expression list = made(kind);
  for (const Json& one : json.values()) list.parts.push_back(expression(one));
  return list;
}

Expression Reader::of_key(const Module* module, const std::string& key) {
  if (module == nullptr) refuse("Unknown expression");
  Expression select = made(Kind::select);
  select.module = module;
  select.key = find_key(*module, key);
  if (select.key == nullptr) refuse(fmt::format("Unknown key '{}' of {}", key, module->name));
  return select;
}

/// The words of JSON's own grammar; null: a module's.
Reader::Grammar Reader::grammar(std::string_view name) {
  constexpr std::pair<std::string_view, Grammar> kWords[] = {
      {"payload", &Reader::payload}, {"exthdr", &Reader::exthdr}, {"prefix", &Reader::prefix}, {"range", &Reader::range},
      {"concat", &Reader::concat}, {"set", &Reader::set}, {"elem", &Reader::whole_element}, {"map", &Reader::lookup},
      {"&", &Reader::operation}, {"|", &Reader::operation}, {"^", &Reader::operation}, {"<<", &Reader::operation},
      {">>", &Reader::operation}};
  for (auto const& [word, way] : kWords)
    if (word == name) return way;
  return nullptr;
}

Expression Reader::named(const std::string& name, const Json& json) {
  if (Grammar const way = grammar(name)) return (this->*way)(name, json);
  if (const Module* const module = registry_.json_select(name)) {
    if (module->select_from_json != nullptr) return module->select_from_json(*module, json, *this);
    return module->form == Form::option ? option(*module, json) : keyed(*module, json);
  }
  const Module* const module = registry_.statement(name);
  if (module == nullptr || module->form == Form::statement) refuse(fmt::format("Unknown expression type '{}'", name));
  return verdict(*module, json);
}

Expression Reader::verdict(const Module& module, const Json& json) {
  Expression verdict = made(Kind::verdict);
  verdict.type = &verdict_type;
  verdict.text = module.name;
  if (module.form == Form::target) verdict.parts.push_back(word(text_of(member(json, "target"))));
  return verdict;
}

Expression Reader::prefix(const std::string&, const Json& json) {
  Expression prefix = made(Kind::prefix);
  prefix.parts.push_back(expression(member(json, "addr")));
  prefix.number = number_of(member(json, "len"));
  return prefix;
}

Expression Reader::range(const std::string&, const Json& json) {
  Expression range = many(Kind::range, json);
  if (range.parts.size() != 2) refuse("Invalid expression: two members expected");
  return range;
}

Expression Reader::concat(const std::string&, const Json& json) {
  Expression concat = many(Kind::concat, json);
  if (concat.parts.size() < 2) refuse("Invalid expression: two members expected");
  return concat;
}

Expression Reader::set(const std::string&, const Json& json) {
  Expression set = made(Kind::set);
  set.parts = elements(json);
  return set;
}

Expression Reader::lookup(const std::string&, const Json& json) {
  Expression lookup = made(Kind::lookup);
  lookup.parts.push_back(expression(member(json, "key")));
  lookup.parts.push_back(expression(member(json, "data")));
  return lookup;
}

Expression Reader::operation(const std::string& sign, const Json& json) {
  Expression list = many(Kind::list, json);
  if (list.parts.size() < 2) refuse("Invalid expression: two members expected");
  Expression all = std::move(list.parts[0]);
  for (size_t i = 1; i < list.parts.size() && i < kMostOperators; ++i) {
    Expression step = made(Kind::binary);
    step.text = sign;
    step.parts.push_back(std::move(all));
    step.parts.push_back(std::move(list.parts[i]));
    all = std::move(step);
  }
  return all;
}

/// A header's field; with a base, bits.
Expression Reader::payload(const std::string&, const Json& json) {
  const Json* const base = json.find("base");
  if (base == nullptr) return of_key(registry_.find(text_of(member(json, "protocol")), Form::header), text_of(member(json, "field")));
  const Module& raw = registry_.role(Role::raw_payload);
  return raw.select_from_json(raw, json, *this);
}

Expression Reader::exthdr(const std::string&, const Json& json) {
  std::string const name = text_of(member(json, "name")), field = text_or(json, "field");
  if (field.empty()) return of_key(&registry_.role(Role::presence), name);
  for (const Module* const module : registry_.all())
    if (module->form == Form::header && module->name == name && module->layer == Layer::none) return of_key(module, field);
  refuse(fmt::format("Unknown extension header '{}'", name));
}

Expression Reader::option(const Module& module, const Json& json) {
  std::string const field = text_or(json, "field");
  return of_key(&module, text_of(member(json, "name")) + (field.empty() ? "" : " " + field));
}

Expression Reader::keyed(const Module& module, const Json& json) {
  std::string key = text_of(member(json, "key"));
  std::vector<Argument> before;
  for (const char* name : {"dir", "family"})
    if (const Json* const there = json.find(name)) before.push_back({text_of(*there), {}, {}});
  if (auto const space = key.find(' '); space != std::string::npos) {
    before.push_back({key.substr(0, space), {}, {}});
    key = key.substr(space + 1);
  }
  Expression select = of_key(&module, key);
  select.arguments = std::move(before);
  for (const Parameter& parameter : module.parameters) take_numbers(select, json, {parameter.name});
  return select;
}

bool Reader::has_members(Statement& statement, const Json& json) {
  if (json.is(Json::Type::null)) return false;
  bool const text = json.is(Json::Type::text);
  if (statement.module->object && (text || json.contains("map"))) {
    statement.set("name", text ? word(text_of(json), true) : expression(json));
    return false;
  }
  if (!json.is(Json::Type::object)) refuse(fmt::format("Invalid {}: object expected", statement.module->name));
  return true;
}

Statement Reader::statement(const std::string& name, const Json& json) {
  Statement made_of;
  said_ = name;
  made_of.module = registry_.json_statement(name);
  if (made_of.module == nullptr) {
    auto const [module, key] = registry_.key_setting(name);  // `{"ct helper": "ftp"}`
    if (key == nullptr) refuse(fmt::format("Unknown statement object '{}'", name));
    made_of.module = &registry_.role(Role::mangle);
    made_of.set("key", of_key(module, std::string(key->name)));
    made_of.set("value", json.is(Json::Type::object) ? expression(json) : word(text_of(json), true));
  } else if (made_of.module->from_json != nullptr) {
    made_of.module->from_json(made_of, json, *this);
  } else if (made_of.module->form == Form::target) {
    made_of.set("target", word(text_of(member(json, "target"))));
  } else if (made_of.module->form == Form::statement) {
    has_members(made_of, json);
  }
  return made_of;
}

}  // namespace bulkhead::ruleset::json_in
