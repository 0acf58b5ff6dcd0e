// common/ruleset/read/json_input.cc: libnftables' JSON in: commands, as text would give them.
//
// Way     the check that follows is the same one. Places are not known: errors name the command's number.
// Limits  depth of nesting, size of the text (as for text).
#include <algorithm>

#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json.h"

namespace bulkhead::ruleset {
namespace {

using namespace json_in;

void add_types(std::vector<Expression>& fields, const std::string& names) {  // `ipv4_addr . inet_service` too, as listings have it
  for (size_t at = 0; at <= names.size();) {
    auto const end = std::min(names.find(" . ", at), names.size());
    Expression field = made(Kind::value);
    field.type = find_data_type(names.substr(at, end - at));
    if (field.type == nullptr) refuse(fmt::format("Unknown datatype '{}'", names.substr(at, end - at)));
    field.bits = field.type->bits;
    fields.push_back(std::move(field));
    at = end + 3;
  }
}

std::vector<Expression> types_of(const Json& json) {
  std::vector<Expression> fields;
  if (json.is(Json::Type::array))
    for (const Json& one : json.values()) add_types(fields, text_of(one));
  else add_types(fields, text_of(json));
  return fields;
}

bool has_flag(const Json& json, std::string_view flag) {
  const Json* const flags = json.find("flags");
  auto const same = [&](const Json& one) { return one.is(Json::Type::text) && one.text() == flag; };
  if (flags == nullptr) return false;
  return flags->is(Json::Type::array) ? std::ranges::any_of(flags->values(), same) : same(*flags);
}

uint64_t number_or(const Json& json, std::string_view name, uint64_t otherwise) {
  const Json* const there = json.find(name);
  return there != nullptr ? number_of(*there) : otherwise;
}

std::vector<Statement> statements_of(const Json& json, std::string_view name, Reader& reader) {
  std::vector<Statement> statements;
  if (const Json* const list = json.find(name); list != nullptr && list->is(Json::Type::array))
    for (const Json& one : list->values()) statements.push_back(reader.statement(one));
  return statements;
}

void read_set(Command& command, const Json& json, Reader& reader, const Registry& registry) {
  Set& set = command.set;
  set.name = command.name.text;
  set.map = command.thing == Thing::map;
  set.key = types_of(member(json, "type"));
  set.comment = text_or(json, "comment");
  set.memory = text_or(json, "policy") == "memory";
  set.size = static_cast<uint32_t>(number_or(json, "size", set.size));
  set.timeout_ms = number_or(json, "timeout", 0) * 1000;
  set.gc_interval_ms = number_or(json, "gc-interval", 0) * 1000;
  set.constant = has_flag(json, "constant");
  set.interval = has_flag(json, "interval");
  set.timeouts = has_flag(json, "timeout");
  set.dynamic = has_flag(json, "dynamic");
  set.auto_merge = is_true(json, "auto-merge");
  set.statements = statements_of(json, "stmt", reader);
  if (!set.map) return;
  const Json& data = member(json, "map");
  bool const object = data.is(Json::Type::text) && registry.object(data.text()) != nullptr;
  if (object) set.object = data.text();
  else set.data = types_of(data);
}

/// `"policy": {"established": 5}`, in seconds.
Expression block_of(const Json& json) {
  Expression block = made(Kind::set);
  for (size_t i = 0; i < json.values().size(); ++i) {
    std::string const state = i < json.names().size() ? json.names()[i] : std::string();
    block.arguments.push_back({state, {}, numeric(number_of(json.values()[i]) * 1000)});
  }
  return block;
}

/// The general way: members are parameters.
void read_body(Statement& body, const Json& json) {
  for (const Parameter& parameter : body.module->parameters) {
    const Json* const there = parameter.takes == Takes::value ? nullptr : json.find(parameter.name);
    if (there == nullptr) continue;
    bool const number = parameter.takes == Takes::number || parameter.takes == Takes::time;
    body.set(std::string(parameter.name), number                            ? numeric(number_of(*there))
                                          : parameter.takes == Takes::block ? block_of(*there)
                                                                            : word(text_of(*there)));
  }
}

void read_object(Command& command, const Json& json, Reader& reader) {
  Object& object = command.object;
  object.name = command.name.text;
  object.comment = text_or(json, "comment");
  object.body.module = command.module;
  if (command.module->body_from_json != nullptr) command.module->body_from_json(object.body, json, reader);
  else read_body(object.body, json);
}

int64_t priority_of(const Json& json) {
  const Json* const there = json.find("prio");
  return there != nullptr && there->is_integer() ? std::clamp<int64_t>(there->integer(), INT32_MIN, INT32_MAX) : 0;
}

void read_chain(Command& command, const Json& json) {
  command.comment = text_or(json, "comment");
  command.second.text = text_or(json, "newname");
  const Json* const hook = json.find("hook");
  if (hook == nullptr) return;
  Base base;
  base.type = text_of(member(json, "type"));
  base.hook = text_of(*hook);
  command.base = std::move(base);
  command.priority.number = priority_of(json);
  command.policy.text = text_or(json, "policy");
  const Json* const devices = json.find("dev");
  if (devices == nullptr) return;
  if (devices->is(Json::Type::array))
    for (const Json& one : devices->values()) command.devices.push_back(word(text_of(one)));
  else command.devices.push_back(word(text_of(*devices)));
}

bool makes(Operation operation) {
  return operation == Operation::add || operation == Operation::create || operation == Operation::insert || operation == Operation::replace;
}

void read_rule(Command& command, const Json& json, Reader& reader) {
  command.position = number_or(json, "position", 0);
  if (const Json* const index = json.find("index")) command.index = number_of(*index);
  command.rule.comment = text_or(json, "comment");
  if (!makes(command.operation)) return;
  for (const Json& one : member(json, "expr").values()) command.rule.statements.push_back(reader.statement(one));
}

void read_flowtable(Command& command, const Json& json) {
  command.hook_at.text = text_or(json, "hook", "ingress");
  command.flowtable.name = command.name.text;
  command.priority.number = priority_of(json);
}

void read_table(Command& command, const Json& json) {
  command.comment = text_or(json, "comment");
  if (const Json* const flags = json.find("flags")) command.flags.push_back({text_of(*flags), {}});
}

struct ThingWord {
  std::string_view name;
  Thing thing;
};
constexpr ThingWord kThings[] = {{"table", Thing::table}, {"chain", Thing::chain}, {"rule", Thing::rule}, {"set", Thing::set},
  {"map", Thing::map}, {"element", Thing::element}, {"flowtable", Thing::flowtable}, {"ruleset", Thing::ruleset}};

/// Of the grammar's own things, or an object of some module.
std::optional<Thing> thing_of(std::string_view kind, const Registry& registry) {
  auto const found = std::ranges::find(kThings, kind, &ThingWord::name);
  if (found != std::end(kThings)) return found->thing;
  return registry.object(kind) != nullptr ? std::optional(Thing::object) : std::nullopt;
}

void read_body_of(Command& command, const Json& json, Reader& reader, const Registry& registry) {
  switch (command.thing) {
    case Thing::table: return read_table(command, json);
    case Thing::chain: return read_chain(command, json);
    case Thing::rule: return read_rule(command, json, reader);
    case Thing::set:
    case Thing::map:
      if (makes(command.operation)) read_set(command, json, reader, registry);
      return;
    case Thing::element: command.set.elements = reader.elements(member(json, "elem")); return;
    case Thing::flowtable: return read_flowtable(command, json);
    case Thing::object:
      if (makes(command.operation)) read_object(command, json, reader);
      return;
    default: return;
  }
}

Command read_one(Operation operation, const std::string& kind, const Json& json, Reader& reader, const Registry& registry) {
  auto const thing = thing_of(kind, registry);
  Command command;
  command.operation = operation;
  command.thing = thing.value_or(Thing::object);
  command.family = text_or(json, "family", command.thing == Thing::ruleset ? "" : "ip");
  if (command.family.empty() && command.thing != Thing::ruleset) command.family = "ip";
  command.table.text = text_or(json, command.thing == Thing::table ? "name" : "table");
  command.name.text = text_or(json, command.thing == Thing::rule ? "chain" : "name");
  command.handle = number_or(json, "handle", 0);
  bool const placed = command.thing == Thing::rule && operation != Operation::add && operation != Operation::insert;
  if (makes(operation) && !placed) command.handle = 0;
  if (!thing) refuse(fmt::format("Unknown object '{}' in command", kind));
  command.module = registry.object(kind);
  read_body_of(command, json, reader, registry);
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
  auto const only_member = [](const Json& json) {
    if (!json.is(Json::Type::object) || json.size() != 1) refuse("Invalid command: object with one member expected");
  };
  only_member(entry);
  std::string kind = entry.names()[0];
  if (kind == "metainfo") return;
  const Json* body = &entry.values()[0];
  Operation operation = Operation::add;
  bool const thing = kind != "ruleset" && thing_of(kind, registry).has_value();
  if (!thing) {
    operation = operation_of(kind);
    only_member(*body);
    kind = body->names()[0];
    body = &body->values()[0];
  }
  Command command = read_one(operation, kind, *body, reader, registry);
  const Json* const elements = command.thing == Thing::set || command.thing == Thing::map ? body->find("elem") : nullptr;
  Command more = command;
  commands.push_back(std::move(command));
  if (elements == nullptr) return;
  more.thing = Thing::element;
  more.operation = Operation::add;
  more.set = {};
  more.set.elements = reader.elements(*elements);
  (thing ? later : commands).push_back(std::move(more));  // a listing has maps before the chains that they name
}

/// The parser uses no stack of its own for nesting, but what walks the tree does.
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
  auto const root = parse_json(text);
  const Json* const entries = root ? root->find("nftables") : nullptr;
  if (entries == nullptr || !entries->is(Json::Type::array)) {
    diagnostics.error({}, root ? "Value not found, expecting an array 'nftables'" : "JSON: syntax error");
    return commands;
  }
  Reader reader(registry);
  size_t number = 0;
  std::vector<Command> later;
  for (const Json& entry : entries->values()) {
    ++number;
    try {
      read_entry(entry, reader, registry, commands, later);
    } catch (const Refusal& refusal) {
      diagnostics.error({}, fmt::format("command {}: {}", number, refusal.reason));
    }
  }
  for (Command& command : later) commands.push_back(std::move(command));
  return commands;
}

}  // namespace bulkhead::ruleset