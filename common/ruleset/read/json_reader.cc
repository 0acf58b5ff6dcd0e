#include "common/ruleset/read/json_reader.h"

namespace bulkhead::ruleset::json_in {

void refuse(std::string reason) { throw Refusal{std::move(reason)}; }

const Json& member(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) refuse(fmt::format("Parsing command failed: no '{}'", name));
  return object[name];
}

std::string text_of(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned()) return fmt::format("{}", json.get<uint64_t>());
  refuse("Invalid value: string expected");
}

std::string text_or(const Json& object, const char* name, const std::string& otherwise) {
  return object.is_object() && object.contains(name) ? text_of(object[name]) : otherwise;
}

uint64_t number_of(const Json& json) {
  if (!json.is_number_unsigned()) refuse("Invalid value: number expected");
  return json.get<uint64_t>();
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

Expression Reader::expression(const Json& json) {
  if (json.is_boolean()) return word(json.get<bool>() ? "exists" : "missing");
  if (json.is_number()) return word(text_of(json));
  if (json.is_string()) {
    std::string const text = json.get<std::string>();
    if (text.starts_with('@')) return reference(text);
    return text == "*" ? made(Kind::wildcard) : word(text, true);
  }
  if (json.is_array()) return many(Kind::list, json);
  if (!json.is_object() || json.size() != 1) refuse("Invalid expression: object with one member expected");
  auto const item = json.items().begin();
  return named(item.key(), item.value());
}

Statement Reader::statement(const Json& json) {
  if (!json.is_object() || json.size() != 1) refuse("Invalid statement: object with one member expected");
  auto const item = json.items().begin();
  return statement(item.key(), item.value());
}

Expression Reader::element(const Json& json) {
  Expression element = made(Kind::element);
  const Json& key = json.is_array() && json.size() == 2 ? json[0] : json;
  if (key.is_object() && key.contains("elem")) {
    const Json& inner = key["elem"];
    element.parts.push_back(expression(member(inner, "val")));
    for (auto const& [name, value] : inner.items()) {
      if (name == "timeout" || name == "expires") element.arguments.push_back({name, {}, numeric(number_of(value) * 1000)});
      else if (name == "comment") element.arguments.push_back({name, {}, word(text_of(value))});
      else if (name != "val") element.statements.push_back(statement(name, value));
    }
  } else {
    element.parts.push_back(expression(key));
  }
  if (json.is_array() && json.size() == 2) element.parts.push_back(expression(json[1]));
  return element;
}

std::vector<Expression> Reader::elements(const Json& json) {
  std::vector<Expression> list;
  if (!json.is_array()) list.push_back(element(json));
  else
    for (const Json& one : json) list.push_back(element(one));
  return list;
}

Expression Reader::reference(const std::string& text) {
  Expression expression = made(Kind::reference);
  expression.text = text.substr(1);
  return expression;
}

Expression Reader::many(Kind kind, const Json& json) {
  if (!json.is_array()) refuse("Invalid expression: array expected");
  if (json.size() > 4096 && kind != Kind::set) refuse("Invalid expression: too many members");
  Expression list = made(kind);
  for (const Json& one : json) list.parts.push_back(expression(one));
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

Expression Reader::named(const std::string& name, const Json& json) {
  if (name == "payload") return payload(json);
  if (name == "exthdr") return exthdr(json);
  if (name == "tcp option" || name == "ip option") {
    std::string const field = text_or(json, "field");
    return of_key(registry_.find(name, Form::option), text_of(member(json, "name")) + (field.empty() ? "" : " " + field));
  }
  if (name == "fib") return fib(json);
  if (name == "numgen") return with_numbers(of_key(registry_.find(name, Form::select), text_of(member(json, "mode"))), json, {"mod", "offset"});
  if (name == "jhash" || name == "symhash") return hash(name, json);
  if (name == "prefix") {
    Expression prefix = made(Kind::prefix);
    prefix.parts.push_back(expression(member(json, "addr")));
    prefix.number = number_of(member(json, "len"));
    return prefix;
  }
  if (name == "range" || name == "concat") {
    Expression list = many(name == "range" ? Kind::range : Kind::concat, json);
    if (list.parts.size() < 2 || (name == "range" && list.parts.size() != 2)) refuse("Invalid expression: two members expected");
    return list;
  }
  if (name == "set") {
    Expression set = made(Kind::set);
    set.parts = elements(json);
    return set;
  }
  if (name == "elem") return element(Json{{"elem", json}});
  if (name == "map") {
    Expression lookup = made(Kind::lookup);
    lookup.parts.push_back(expression(member(json, "key")));
    lookup.parts.push_back(expression(member(json, "data")));
    return lookup;
  }
  if (name == "&" || name == "|" || name == "^" || name == "<<" || name == ">>") return operation(name, json);
  if (name == "accept" || name == "drop" || name == "continue" || name == "return" || name == "jump" || name == "goto") {
    Expression verdict = made(Kind::verdict);
    verdict.type = &verdict_type;
    verdict.text = name;
    if (name == "jump" || name == "goto") verdict.parts.push_back(word(text_of(member(json, "target"))));
    return verdict;
  }
  const Module* const module = registry_.find(name, Form::select);
  if (module == nullptr) refuse(fmt::format("Unknown expression type '{}'", name));
  return keyed(*module, json);
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

Expression Reader::payload(const Json& json) {
  if (!json.is_object() || !json.contains("base"))
    return of_key(registry_.find(text_of(member(json, "protocol")), Form::header), text_of(member(json, "field")));
  Expression raw = of_key(registry_.find("@", Form::special), text_of(json["base"]));
  raw.text = text_of(json["base"]);
  raw.number = number_of(member(json, "offset"));
  uint64_t const length = number_of(member(json, "len"));
  if (length == 0 || length > 128 || raw.number > 0xffff) refuse("Invalid payload: length of 1 to 128 bits expected");
  raw.bits = static_cast<uint16_t>(length);
  raw.type = &raw_integer;
  return raw;
}

Expression Reader::exthdr(const Json& json) {
  std::string const name = text_of(member(json, "name")), field = text_or(json, "field");
  if (field.empty()) return of_key(registry_.find("exthdr", Form::header), name);
  for (const Module* const module : registry_.all())
    if (module->form == Form::header && module->name == name && module->layer == Layer::none) return of_key(module, field);
  refuse(fmt::format("Unknown extension header '{}'", name));
}

Expression Reader::fib(const Json& json) {
  Expression select = of_key(registry_.find("fib", Form::select), text_of(member(json, "result")));
  const Json& flags = member(json, "flags");
  if (flags.is_array())
    for (const Json& flag : flags) select.arguments.push_back({text_of(flag), {}, {}});
  else select.arguments.push_back({text_of(flags), {}, {}});
  return select;
}

Expression Reader::with_numbers(Expression select, const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (json.contains(name)) select.arguments.push_back({name, {}, numeric(number_of(json[name]))});
  return select;
}

Expression Reader::hash(const std::string& name, const Json& json) {
  Expression select = made(Kind::select);
  select.module = registry_.expression(name);
  select.key = select.module->keys.data();
  if (name == "jhash") select.parts.push_back(expression(member(json, "expr")));
  else static_cast<void>(member(json, "mod"));
  return with_numbers(std::move(select), json, {"mod", "seed", "offset"});
}

Expression Reader::keyed(const Module& module, const Json& json) {
  std::string key = text_of(member(json, "key"));
  Expression before = made(Kind::select);
  for (const char* name : {"dir", "family"})
    if (json.contains(name)) before.arguments.push_back({text_of(json[name]), {}, {}});
  if (auto const space = key.find(' '); space != std::string::npos) {
    before.arguments.push_back({key.substr(0, space), {}, {}});
    key = key.substr(space + 1);
  }
  Expression select = of_key(&module, key);
  select.arguments = std::move(before.arguments);
  for (const Parameter& parameter : module.parameters)
    if (json.contains(parameter.name)) select.arguments.push_back({std::string(parameter.name), {}, numeric(number_of(json[std::string(parameter.name)]))});
  return select;
}

}  // namespace bulkhead::ruleset::json_in