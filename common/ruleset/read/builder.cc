// common/ruleset/read/builder.cc: commands. Expressions and statements: builder_expressions.cc.
#include "common/ruleset/read/builder.h"

#include "common/base/near_miss.h"
#include "common/ruleset/read/scanner.h"

namespace bulkhead::ruleset {
namespace {

void append(std::vector<Command>& into, std::vector<Command>& from) {
  for (Command& command : from) into.push_back(std::move(command));
  from.clear();
}

}  // namespace

void Builder::syntax_error(const Scanner& scanner, const Parser::context& context) {
  auto const kind = context.token();
  if (kind == Parser::symbol_kind::S_BAD) {
    diagnostics_.error(context.location(), context.lookahead().value.as<std::string>());
    return;
  }
  std::string reason = "syntax error, unexpected ";
  using K = Parser::symbol_kind;
  if (kind == K::S_SEPARATOR) reason += scanner.last_text() == ";" ? "semicolon" : "newline";
  else if (kind == K::S_YYEOF) reason += "end of file";
  else if (kind == K::S_WORD || kind == K::S_ARGUMENT) reason += "string";
  else if (kind == K::S_QUOTED || kind == K::S_NUMBER) reason += Parser::symbol_name(kind);
  else if (kind == K::S_COMMA) reason += "comma";
  else if (kind == K::S_COLON) reason += "colon";
  else if (kind == K::S_OPEN || kind == K::S_CLOSE) reason += fmt::format("'{}'", scanner.last_text());
  else reason += scanner.last_text();
  std::array<Parser::symbol_kind_type, 5> expected{};
  int const count = context.expected_tokens(expected.data(), static_cast<int>(expected.size()));
  if (count > 0 && count < 5)
    for (int i = 0; i < count; ++i)
      reason += fmt::format("{}{}", i == 0 ? ", expecting " : " or ", Parser::symbol_name(expected[static_cast<size_t>(i)]));
  bool const word = kind == K::S_WORD || kind == K::S_ARGUMENT || kind == K::S_KEYWORD;
  reason += scanner.meant(word);
  diagnostics_.error(context.location(), reason);
}

void Builder::recover() {
  if (!in_table_) flush();
}

Command Builder::made(Thing thing, Operation operation, const Command& place, const Location& at) {
  Command command = place;
  command.thing = thing;
  command.operation = operation;
  command.at = at;
  if (command.family.empty()) command.family = "ip";
  return command;
}

/// What a block gave, in the order in which nft sends it.
void Builder::flush() {
  for (auto* const list : {&chains_, &objects_, &sets_, &flowtables_, &rules_, &element_commands_}) append(commands_, *list);
}

void Builder::begin_table(Operation operation, const Command& place, const Location& at) {
  flush();
  block_table_ = made(Thing::table, operation, place, at);
  commands_.push_back(block_table_);
}

void Builder::end_table() {
  for (size_t i = commands_.size(); i-- > 0;)
    if (commands_[i].thing == Thing::table && commands_[i].table.text == block_table_.table.text) {
      commands_[i].flags = block_table_.flags;
      commands_[i].comment = block_table_.comment;
      break;
    }
  flush();
  in_table_ = false;
}

Command Builder::inner(const Name& name) {
  Command place;
  place.family = block_table_.family;
  place.table = block_table_.table;
  place.name = name;
  return place;
}

void Builder::begin_chain(Operation operation, const Command& place, const Location& at) {
  if (!in_table_) flush();
  chains_.push_back(made(Thing::chain, operation, place, at));
}

void Builder::rename(Operation operation, Command place, const Name& name, const Location& at) {
  flush();
  if (operation != Operation::rename) diagnostics_.error(name.at, "syntax error, unexpected string");
  place.second = name;
  commands_.push_back(made(Thing::chain, operation, place, at));
}

void Builder::hook(const Name& type, const Name& name, const Priority& priority,
                   const Location& priority_at, const Location& where) {
  Command& command = chain();
  Base base;
  base.type = type.text;
  base.hook = name.text;
  command.base = std::move(base);
  command.type_at = type;
  command.hook_at = name;
  command.priority = priority;
  command.priority.at = priority_at;
  command.base_at = where;
}

void Builder::chain_rule(std::vector<Statement> statements, std::string comment, const Location& where) {
  Command command = made(Thing::rule, Operation::add, chain(), where);
  command.base.reset();
  command.comment.clear();
  command.rule = {0, std::move(comment), std::move(statements), where};
  rules_.push_back(std::move(command));
}

void Builder::rule(Operation operation, const Command& place, std::vector<Statement> statements, std::string comment,
                   const Location& where) {
  flush();
  Command command = made(Thing::rule, operation, place, where);
  command.rule = {0, std::move(comment), std::move(statements), where};
  commands_.push_back(std::move(command));
}

void Builder::begin_set(Thing thing, Operation operation, const Command& place, const Location& where) {
  if (!in_table_) flush();
  sets_.push_back(made(thing, operation, place, where));
  set().name = place.name.text;
  set().at = place.name.at;
  set().map = thing == Thing::map;
}

void Builder::end_set() {
  Command& command = at(sets_);
  if (command.has_elements) {
    Command more = made(Thing::element, Operation::add, command, command.at);
    more.set = {};
    more.set.elements = std::move(command.set.elements);
    command.set.elements.clear();
    element_commands_.push_back(std::move(more));
  }
  if (!in_table_) flush();
}

constexpr std::string_view kSetFlags[] = {"constant", "interval", "timeout", "dynamic"};

void Builder::set_flags(const std::vector<Name>& flags) {
  for (const Name& flag : flags) {
    if (flag.text == "constant") set().constant = true;
    else if (flag.text == "interval") set().interval = true;
    else if (flag.text == "timeout") set().timeouts = true;
    else if (flag.text == "dynamic") set().dynamic = true;
    else diagnostics_.error(flag.at, "syntax error, unexpected string" + did_you_mean(flag.text, kSetFlags));
  }
}

void Builder::set_policy(const Name& name) {
  if (name.text != "memory" && name.text != "performance") diagnostics_.error(name.at, "syntax error, unexpected string");
  set().memory = name.text == "memory";
}

void Builder::set_elements(Expression elements) {
  Command& command = at(sets_);
  command.has_elements = true;
  for (Expression& element : elements.parts) command.set.elements.push_back(std::move(element));
}

Expression Builder::type_list(const Name& name) {
  Expression list;
  type_more(list, name);
  return list;
}

void Builder::type_more(Expression& list, const Name& name) {
  Expression field;
  field.kind = Kind::value;
  field.at = name.at;
  field.type = find_data_type(name.text);
  if (field.type == nullptr) {
    std::vector<std::string_view> names;
    for (const DataType* const one : data_types()) names.push_back(one->name);
    diagnostics_.error(name.at, fmt::format("unknown datatype {}{}", name.text, did_you_mean(name.text, names)));
    field.type = &invalid_type;
  }
  field.bits = field.type->bits;
  list.parts.push_back(std::move(field));
  list.at = join(list.at, name.at);
}

Expression Builder::object_data(const Named& object) {
  Expression data;
  data.kind = Kind::text;
  data.text = object.module->object_name;
  return data;
}

void Builder::set_map(Expression key, Expression data, bool type_of) {
  if (!set().map) diagnostics_.error(data.at, "syntax error, unexpected data of a set, expecting newline or semicolon");
  if (type_of) set_type_of(std::move(key));
  else set().key = std::move(key.parts);
  if (data.is(Kind::text)) set().object = data.text;
  else if (data.is(Kind::select)) set().data.push_back(std::move(data));
  else {
    set().interval_data = data.text == "interval";
    set().data = std::move(data.parts);
  }
}

void Builder::set_type_of(Expression key) {
  set().type_of = true;
  if (key.is(Kind::concat)) set().key = std::move(key.parts);
  else set().key = {std::move(key)};
}

void Builder::begin_object(const Named& what, Operation operation, const Command& place, const Location& where) {
  if (!in_table_) flush();
  Command command = made(Thing::object, operation, place, where);
  command.module = what.module;
  command.object.name = place.name.text;
  command.object.body.module = what.module;
  command.object.body.at = place.name.at;
  objects_.push_back(std::move(command));
}

void Builder::end_object() {
  in_order(*object().body.module, object().body.arguments);
  if (!in_table_) flush();
}

void Builder::begin_flowtable(Operation operation, const Command& place, const Location& where) {
  if (!in_table_) flush();
  flowtables_.push_back(made(Thing::flowtable, operation, place, where));
  flowtables_.back().flowtable.name = place.name.text;
}

void Builder::end_flowtable() {
  if (!in_table_) flush();
}

void Builder::elements(Operation operation, const Command& place, Expression set, const Location& where) {
  flush();
  Command command = made(Thing::element, operation, place, where);
  command.set.elements = std::move(set.parts);
  commands_.push_back(std::move(command));
}

void Builder::whole(Operation operation, const Plural& things, const std::string& family, const Name& table, const Location& where) {
  flush();
  Command command;
  command.operation = operation;
  command.thing = things.thing;
  command.module = things.module;
  command.family = family.empty() && !table.text.empty() ? "ip" : family;
  command.table = table;
  command.at = where;
  commands_.push_back(std::move(command));
}

void Builder::meter_command(Operation operation, const Command& place, const Location& where) {
  flush();
  commands_.push_back(made(Thing::meter, operation, place, where));
}

std::string Builder::checked_comment(const std::string& text, const Location& where) {
  if (text.size() > 128) diagnostics_.error(where, "comment too long, 128 characters maximum allowed");
  return text;
}

}  // namespace bulkhead::ruleset