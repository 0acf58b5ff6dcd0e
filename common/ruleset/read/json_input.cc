// common/ruleset/read/json_input.cc: libnftables' JSON in: commands, as text would give them.
//
// Way     the check that follows is the same one. Places are not known: errors name the command's number.
// Limits  depth of nesting, size of the text (as for text).
#include "common/ruleset/write/json.h"
#include "common/ruleset/read/json_reader.h"

namespace bulkhead::ruleset {
namespace {

using namespace json_in;

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

}  // namespace bulkhead::ruleset