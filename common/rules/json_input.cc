// common/rules/json_input.cc: libnftables' JSON in: commands, as text would give them.
//
// Way     statements and expressions become the same generic structure that the grammar's actions make, unchecked; the check
//         that follows is the same one. Places are not known: errors name the command's number.
// Limits  depth of nesting, size of the text (as for text).
#include "common/rules/json.h"
#include "common/rules/json_tree.h"
#include "common/rules/modules/all.h"
#include "common/rules/token.h"

namespace bulkhead::rules {
namespace {

using Json = nlohmann::ordered_json;

struct Refusal {
  std::string reason;
};

[[noreturn]] void refuse(std::string reason) { throw Refusal{std::move(reason)}; }

const Json& member(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) refuse(fmt::format("Parsing command failed: no '{}'", name));
  return object[name];
}

std::string text_of(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned()) return fmt::format("{}", json.get<uint64_t>());
  refuse("Invalid value: string expected");
}

std::string text_or(const Json& object, const char* name, const std::string& otherwise = {}) {
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

Expression word(std::string text, bool quoted = false) {
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

class Reader {
 public:
  explicit Reader(const Registry& registry) : registry_(registry) {}

  Expression expression(const Json& json) {
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

  Statement statement(const Json& json) {
    if (!json.is_object() || json.size() != 1) refuse("Invalid statement: object with one member expected");
    auto const item = json.items().begin();
    return statement(item.key(), item.value());
  }

  Expression element(const Json& json) {
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

  std::vector<Expression> elements(const Json& json) {
    std::vector<Expression> list;
    if (!json.is_array()) list.push_back(element(json));
    else
      for (const Json& one : json) list.push_back(element(one));
    return list;
  }

 private:
  static Expression reference(const std::string& text) {
    Expression expression = made(Kind::reference);
    expression.text = text.substr(1);
    return expression;
  }

  Expression many(Kind kind, const Json& json) {
    if (!json.is_array()) refuse("Invalid expression: array expected");
    if (json.size() > 4096 && kind != Kind::set) refuse("Invalid expression: too many members");
    Expression list = made(kind);
    for (const Json& one : json) list.parts.push_back(expression(one));
    return list;
  }

  Expression of_key(const Module* module, const std::string& key) {
    if (module == nullptr) refuse("Unknown expression");
    Expression select = made(Kind::select);
    select.module = module;
    select.key = find_key(*module, key);
    if (select.key == nullptr) refuse(fmt::format("Unknown key '{}' of {}", key, module->name));
    return select;
  }

  Expression named(const std::string& name, const Json& json) {
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

  Expression operation(const std::string& sign, const Json& json) {
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

  Expression payload(const Json& json) {
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

  Expression exthdr(const Json& json) {
    std::string const name = text_of(member(json, "name")), field = text_or(json, "field");
    if (field.empty()) return of_key(registry_.find("exthdr", Form::header), name);
    for (const Module* const module : registry_.all())
      if (module->form == Form::header && module->name == name && module->layer == Layer::none) return of_key(module, field);
    refuse(fmt::format("Unknown extension header '{}'", name));
  }

  Expression fib(const Json& json) {
    Expression select = of_key(registry_.find("fib", Form::select), text_of(member(json, "result")));
    const Json& flags = member(json, "flags");
    if (flags.is_array())
      for (const Json& flag : flags) select.arguments.push_back({text_of(flag), {}, {}});
    else select.arguments.push_back({text_of(flags), {}, {}});
    return select;
  }

  Expression with_numbers(Expression select, const Json& json, std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (json.contains(name)) select.arguments.push_back({name, {}, numeric(number_of(json[name]))});
    return select;
  }

  Expression hash(const std::string& name, const Json& json) {
    Expression select = made(Kind::select);
    select.module = registry_.expression(name);
    select.key = select.module->keys.data();
    if (name == "jhash") select.parts.push_back(expression(member(json, "expr")));
    else static_cast<void>(member(json, "mod"));
    return with_numbers(std::move(select), json, {"mod", "seed", "offset"});
  }

  Expression keyed(const Module& module, const Json& json) {
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

  Statement statement(const std::string& name, const Json& json);
  Statement special(const std::string& name, const Json& json);
  Statement nat(const Module& module, const Json& json);
  void general(Statement& statement, const Json& json);
  void limit(Statement& statement, const Json& json);
  void log(Statement& statement, const Json& json);

  const Registry& registry_;
};

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

std::vector<Expression> types_of(const Json& json) {
  std::vector<Expression> fields;
  auto const add = [&](const Json& one) {  // `ipv4_addr . inet_service` too, as listings have it
    std::string const names = text_of(one);
    for (size_t at = 0; at <= names.size();) {
      auto const end = std::min(names.find(" . ", at), names.size());
      Expression field = made(Kind::value);
      field.type = find_data_type(names.substr(at, end - at));
      if (field.type == nullptr) refuse(fmt::format("Unknown datatype '{}'", names.substr(at, end - at)));
      field.bits = field.type->bits;
      fields.push_back(std::move(field));
      at = end + 3;
    }
  };
  if (json.is_array())
    for (const Json& one : json) add(one);
  else add(json);
  return fields;
}

bool has_flag(const Json& json, std::string_view flag) {
  if (!json.contains("flags")) return false;
  const Json& flags = json["flags"];
  if (!flags.is_array()) return flags == flag;
  return std::ranges::any_of(flags, [&](const Json& one) { return one == flag; });
}

void read_set(Command& command, const Json& json, Reader& reader, const Registry& registry) {
  Set& set = command.set;
  set.name = command.name.text;
  set.map = command.thing == Thing::map;
  set.key = types_of(member(json, "type"));
  set.comment = text_or(json, "comment");
  set.memory = text_or(json, "policy") == "memory";
  if (json.contains("size")) set.size = static_cast<uint32_t>(number_of(json["size"]));
  if (json.contains("timeout")) set.timeout_ms = number_of(json["timeout"]) * 1000;
  if (json.contains("gc-interval")) set.gc_interval_ms = number_of(json["gc-interval"]) * 1000;
  set.constant = has_flag(json, "constant");
  set.interval = has_flag(json, "interval");
  set.timeouts = has_flag(json, "timeout");
  set.dynamic = has_flag(json, "dynamic");
  set.auto_merge = json.contains("auto-merge") && json["auto-merge"] == true;
  if (json.contains("stmt") && json["stmt"].is_array())
    for (const Json& one : json["stmt"]) set.statements.push_back(reader.statement(one));
  if (!set.map) return;
  const Json& data = member(json, "map");
  if (data.is_string() && registry.object(data.get<std::string>()) != nullptr) set.object = data.get<std::string>();
  else set.data = types_of(data);
}

void read_object(Command& command, const Json& json, Reader& reader) {
  Object& object = command.object;
  Statement& body = object.body;
  object.name = command.name.text;
  object.comment = text_or(json, "comment");
  std::string_view const kind = command.module->object_name;
  if (kind == "quota") {
    body = reader.statement(Json{{"quota", {{"val", member(json, "bytes")}, {"used", json.value("used", uint64_t{0})}, {"inv", json.value("inv", false)}}}});
  } else if (kind == "limit" || kind == "synproxy" || kind == "counter") {
    Json inner = json;
    for (const char* name : {"family", "table", "name", "handle", "comment"}) inner.erase(name);
    body = reader.statement(Json{{std::string(kind), inner}});
  } else {
    for (const Parameter& parameter : command.module->parameters) {
      std::string const name(parameter.name);
      if (!json.contains(name)) continue;
      if (parameter.shape == Shape::number || parameter.shape == Shape::time) body.set(name, numeric(number_of(json[name])));
      else if (parameter.shape != Shape::block) body.set(name, word(text_of(json[name])));
      else {
        Expression block = made(Kind::set);
        for (auto const& [state, seconds] : json[name].items()) block.arguments.push_back({state, {}, numeric(number_of(seconds) * 1000)});
        body.set(name, std::move(block));
      }
    }
    if (json.contains("context")) body.set("", word(text_of(json["context"])));
  }
  body.module = command.module;
}

void read_chain(Command& command, const Json& json) {
  command.comment = text_or(json, "comment");
  if (json.contains("newname")) command.second.text = text_of(json["newname"]);
  if (!json.contains("hook")) return;
  Base base;
  base.type = text_of(member(json, "type"));
  base.hook = text_of(json["hook"]);
  command.base = std::move(base);
  if (json.contains("prio") && json["prio"].is_number_integer()) command.priority.number = std::clamp<int64_t>(json["prio"].get<int64_t>(), INT32_MIN, INT32_MAX);
  command.policy.text = text_or(json, "policy");
  if (!json.contains("dev")) return;
  if (json["dev"].is_array())
    for (const Json& one : json["dev"]) command.devices.push_back(word(text_of(one)));
  else command.devices.push_back(word(text_of(json["dev"])));
}

Command read_one(Operation operation, const std::string& kind, const Json& json, Reader& reader, const Registry& registry) {
  Command command;
  command.operation = operation;
  command.family = text_or(json, "family");
  bool const ruleset = kind == "ruleset";
  if (command.family.empty() && !ruleset) command.family = "ip";
  command.table.text = text_or(json, kind == "table" ? "name" : "table");
  command.name.text = text_or(json, kind == "rule" ? "chain" : "name");
  if (json.is_object() && json.contains("handle")) command.handle = number_of(json["handle"]);
  bool const makes = operation == Operation::add || operation == Operation::create || operation == Operation::insert || operation == Operation::replace;
  if (makes && (kind != "rule" || operation == Operation::add || operation == Operation::insert)) command.handle = 0;
  if (ruleset) {
    command.thing = Thing::ruleset;
  } else if (kind == "table") {
    command.thing = Thing::table;
    command.comment = text_or(json, "comment");
    if (json.contains("flags")) command.flags.push_back({text_of(json["flags"]), {}});
  } else if (kind == "chain") {
    command.thing = Thing::chain;
    read_chain(command, json);
  } else if (kind == "rule") {
    command.thing = Thing::rule;
    if (json.contains("position")) command.position = number_of(json["position"]);
    if (json.contains("index")) command.index = number_of(json["index"]);
    command.rule.comment = text_or(json, "comment");
    if (makes)
      for (const Json& one : member(json, "expr")) command.rule.statements.push_back(reader.statement(one));
  } else if (kind == "set" || kind == "map") {
    command.thing = kind == "map" ? Thing::map : Thing::set;
    if (makes) read_set(command, json, reader, registry);
  } else if (kind == "element") {
    command.thing = Thing::element;
    command.set.elements = reader.elements(member(json, "elem"));
  } else if (kind == "flowtable") {
    command.thing = Thing::flowtable;
    command.hook_at.text = text_or(json, "hook", "ingress");
    command.flowtable.name = command.name.text;
    if (json.contains("prio") && json["prio"].is_number_integer()) command.priority.number = std::clamp<int64_t>(json["prio"].get<int64_t>(), INT32_MIN, INT32_MAX);
  } else {
    command.module = registry.object(kind);
    if (command.module == nullptr) refuse(fmt::format("Unknown object '{}' in command", kind));
    command.thing = Thing::object;
    if (makes) read_object(command, json, reader);
  }
  return command;
}

Operation operation_of(const std::string& name) {
  constexpr std::pair<std::string_view, Operation> kNames[] = {{"add", Operation::add}, {"create", Operation::create},
    {"insert", Operation::insert}, {"replace", Operation::replace}, {"delete", Operation::remove}, {"destroy", Operation::destroy},
    {"flush", Operation::flush}, {"list", Operation::list}, {"reset", Operation::reset}, {"rename", Operation::rename}};
  for (auto const& [text, operation] : kNames)
    if (text == name) return operation;
  refuse(fmt::format("Unknown command object '{}'", name));
}

/// An object of the array: a command, or a thing to add, as listings have them.
void read_entry(const Json& entry, Reader& reader, const Registry& registry, std::vector<Command>& commands,
                std::vector<Command>& later) {
  if (!entry.is_object() || entry.size() != 1) refuse("Invalid command: object with one member expected");
  auto const item = entry.items().begin();
  std::string kind = item.key();
  if (kind == "metainfo") return;
  const Json* body = &item.value();
  Operation operation = Operation::add;
  bool const thing = kind == "table" || kind == "chain" || kind == "rule" || kind == "set" || kind == "map" || kind == "element" ||
                     kind == "flowtable" || registry.object(kind) != nullptr;
  if (!thing) {
    operation = operation_of(kind);
    if (!body->is_object() || body->size() != 1) refuse("Invalid command: object with one member expected");
    kind = body->items().begin().key();
    body = &(*body)[kind];
  }
  Command command = read_one(operation, kind, *body, reader, registry);
  bool const elements = (command.thing == Thing::set || command.thing == Thing::map) && body->is_object() && body->contains("elem");
  Command more = command;
  commands.push_back(std::move(command));
  if (!elements) return;
  more.thing = Thing::element;
  more.operation = Operation::add;
  more.set = {};
  more.set.elements = reader.elements((*body)["elem"]);
  (thing ? later : commands).push_back(std::move(more));  // a listing has maps before the chains that they name
}

/// nlohmann's parser uses no stack of its own for nesting, but what walks the tree does.
bool too_deep(const std::string& text) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (quoted && c == '\\') ++i;
    else if (c == '"') quoted = !quoted;
    else if (!quoted && (c == '{' || c == '[') && ++depth > kMostNesting * 2) return true;
    else if (!quoted && (c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

}  // namespace

std::vector<Command> read_json(const std::string& text, const Registry& registry, Diagnostics& diagnostics) {
  std::vector<Command> commands;
  if (too_deep(text)) {
    diagnostics.error({}, "JSON: nesting too deep");
    return commands;
  }
  Json const root = Json::parse(text, nullptr, false);
  if (root.is_discarded() || !root.is_object() || !root.contains("nftables") || !root["nftables"].is_array()) {
    diagnostics.error({}, root.is_discarded() ? "JSON: syntax error" : "Value not found, expecting an array 'nftables'");
    return commands;
  }
  Reader reader(registry);
  size_t number = 0;
  std::vector<Command> later;
  for (const Json& entry : root["nftables"]) {
    ++number;
    try {
      read_entry(entry, reader, registry, commands, later);
    } catch (const Refusal& refusal) {
      diagnostics.error({}, fmt::format("command {}: {}", number, refusal.reason));
    } catch (const Json::exception& exception) {
      diagnostics.error({}, fmt::format("command {}: {}", number, exception.what()));
    }
  }
  for (Command& command : later) commands.push_back(std::move(command));
  return commands;
}

}  // namespace bulkhead::rules
