// common/ruleset/check/apply.cc: tables, rules, objects, flowtables. Chains: apply_chains.cc; sets: apply_sets.cc.
#include "common/ruleset/check/apply.h"

#include "common/ruleset/check/transaction.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::ruleset {
namespace {

size_t anonymous_sets(const Expression& expression) {
  size_t count = expression.is(Kind::set) ? 1 : 0;
  for (const Expression& part : expression.parts) count += anonymous_sets(part);
  return count;
}

constexpr uint32_t kFilledSize = 65535;

/// Whether rules can fill it: the kernel keeps a map whose size is known, and a set of single ports, in another way.
bool grows(const Set& set) {
  if (set.dynamic || set.timeouts || set.interval) return true;
  bool const narrow = !set.map && set.key.size() == 1 && set.key[0].bits <= 16;
  return set.size == 0 && !narrow;
}

}  // namespace

void Transaction::run(Command& command) {
  if (command.operation == Operation::list || command.operation == Operation::reset) return list(command);
  switch (command.thing) {
    case Thing::table: return table(command);
    case Thing::chain: return chain(command);
    case Thing::rule: return rule(command);
    case Thing::set: case Thing::map: return set(command);
    case Thing::meter: return flush_meter(command);
    case Thing::element: return elements(command);
    case Thing::object: return object(command);
    case Thing::flowtable: return flowtable(command);
    case Thing::ruleset: return flush_ruleset(command);
    default: error(command.at, "syntax error, unexpected keyword");
  }
}

void Transaction::finish() {
  for (const Table& table : ruleset_.tables) {
    std::map<std::string_view, size_t> depths;
    for (const Chain& chain : table.chains)
      if (chain.base) walk(table, chain, depths, 0);
    if (!looped_) places(table);
  }
}

Table* Transaction::find_table(const Command& command, bool quiet) {
  for (Table& table : ruleset_.tables)
    if (table.family == command.family && (command.handle != 0 && command.table.text.empty() ? table.handle == command.handle : table.name == command.table.text))
      return &table;
  if (!quiet) error(command.table.at.known() ? command.table.at : command.handle_at, kMissing);
  return nullptr;
}

/// A number, or a name and what is added to it.
bool Transaction::take_priority(const Command& command, std::string_view family, std::string_view hook, int32_t& priority) {
  const std::string& name = command.priority.name.text;
  auto const named = name.empty() ? std::optional<int32_t>(0) : priority_number(family, hook, name);
  if (!named) error(command.priority.at, "invalid priority expression value in this context.");
  priority = static_cast<int32_t>(command.priority.number + named.value_or(0));
  return named.has_value();
}

std::vector<std::string> Transaction::sorted_devices(const Command& command) {
  std::vector<std::string> devices;
  for (const Expression& device : command.devices) devices.push_back((device.is(Kind::element) ? device.parts[0] : device).text);
  std::ranges::sort(devices);
  return devices;
}

void Transaction::table(Command& command) {
  Table* const there = find_table(command, command.operation != Operation::remove && command.operation != Operation::flush);
  if (removes(command)) {
    if (there != nullptr) ruleset_.tables.erase(ruleset_.tables.begin() + (there - ruleset_.tables.data()));
    return;
  }
  if (command.operation == Operation::flush) {
    if (there != nullptr)
      for (Chain& one : there->chains) clear_rules(*there, one);
    return;
  }
  if (command.table.text.size() > 255) return error(command.table.at, "table name too long");
  if (there != nullptr && command.operation == Operation::create) return error(command.table.at, kExists);
  Table made;
  Table& table = there != nullptr ? *there : made;
  bool dormant = false;
  for (const Name& flag : command.flags) {
    if (flag.text == "dormant") dormant = true;
    else error(flag.at, "unknown table option");
  }
  table.dormant = dormant;
  if (there != nullptr) return;
  made.family = command.family;
  made.name = command.table.text;
  made.comment = command.comment;
  made.handle = ruleset_.next_handle++;
  ruleset_.tables.push_back(std::move(made));
}

void Transaction::rule(Command& command) {
  Table* const table = table_of(command);
  if (table == nullptr) return;
  Chain* const chain = find_named(table->chains, command.name.text);
  if (chain == nullptr) return error(command.name.at, kMissing);
  auto position = chain->rules.end();
  uint64_t const handle = command.handle != 0 ? command.handle : command.position;
  if (handle != 0) {
    position = std::ranges::find_if(chain->rules, [&](const Rule& one) { return one.handle == handle; });
    if (position == chain->rules.end()) {
      if (command.operation == Operation::destroy) return;
      return error(command.handle_at, "Could not process rule: No such file or directory");
    }
  } else if (command.index) {
    if (*command.index >= chain->rules.size()) return error(command.handle_at, kMissing);
    position = chain->rules.begin() + static_cast<std::ptrdiff_t>(*command.index);
  }
  bool const found = position != chain->rules.end();
  if (removes(command)) {
    if (found) forget_meters(*table, *position);
    if (found) chain->rules.erase(position);
    else error(command.at, "syntax error, unexpected newline, expecting handle");
    return;
  }
  if (command.operation == Operation::replace && !found) return error(command.at, "syntax error, expecting handle");
  add_rule(*table, *chain, command, position);
}

/// Behind the place, or as is asked: before it, or instead of it.
void Transaction::add_rule(Table& table, Chain& chain, Command& command, std::vector<Rule>::iterator position) {
  bool const found = position != chain.rules.end();
  Checker checker(table, registry_, diagnostics_);
  Rule made = std::move(command.rule);
  if (made.statements.empty()) return error(command.at, "syntax error, unexpected newline");
  if (!checker.rule(made, chain)) return;
  if (!fill_sets(table, made)) return;
  take_handles(table, made);
  last_rule_ = made.at;
  // A rule that stands in for another takes its handle too.
  made.handle = command.operation == Operation::replace ? position->handle : table.next_handle++;
  if (command.operation == Operation::replace) forget_meters(table, *position);
  if (command.operation == Operation::replace) *position = std::move(made);
  else if (command.operation == Operation::insert) chain.rules.insert(found ? position : chain.rules.begin(), std::move(made));
  else chain.rules.insert(found ? position + 1 : position, std::move(made));
}

/// Sets that nobody named, and meters, are made before their rule.
void Transaction::take_handles(Table& table, const Rule& rule) {
  for (const Statement& statement : rule.statements) {
    for (const Argument& argument : statement.arguments) table.next_handle += anonymous_sets(argument.value);
    if (statement.module->role == Role::meter) make_meter(table, statement);
  }
}

void Transaction::make_meter(Table& table, const Statement& meter) {
  const std::string& name = meter.argument("name")->text;
  const Expression& element = *meter.argument("elem");
  const Expression& key = element.parts[0];
  bool const set = find_named(table.sets, name) != nullptr;
  if (set || find_named(table.meters, name) != nullptr) {
    error(key.at, set ? kExists : kUnsupported);
    return error(meter.at, set ? "Could not process rule: Invalid argument" : kBusy);
  }
  Set made;
  made.name = name;
  made.meter = made.dynamic = true;
  made.timeouts = element.argument("timeout") != nullptr;
  made.size = meter.has("size") ? static_cast<uint32_t>(meter.number("size")) : kFilledSize;
  made.key = key.is(Kind::concat) ? key.parts : std::vector<Expression>{key};
  made.handle = table.next_handle++;
  table.meters.push_back(std::move(made));
}

void Transaction::forget_meters(Table& table, const Rule& rule) {
  for (const Statement& statement : rule.statements)
    if (statement.module->role == Role::meter)
      std::erase_if(table.meters, [&](const Set& one) { return one.name == statement.argument("name")->text; });
}

void Transaction::clear_rules(Table& table, Chain& chain) {
  for (const Rule& rule : chain.rules) forget_meters(table, rule);
  chain.rules.clear();
}

/// A set that a rule fills has a size; one that has just been made is dynamic, unless it is a map.
bool Transaction::fill_sets(Table& table, const Rule& rule) {
  for (const Statement& statement : rule.statements) {
    const Expression* const named = statement.module->role == Role::update ? statement.argument("set") : nullptr;
    Set* const set = named == nullptr ? nullptr : find_named(table.sets, named->text);
    if (set == nullptr) continue;
    if (!set->map && is_new(before_, table, &Table::sets, set->name)) set->dynamic = true;
    if (!grows(*set)) {
      error(statement.at, kUnsupported);
      return false;
    }
    if (set->size == 0) set->size = kFilledSize;
  }
  return true;
}

void Transaction::object(Command& command) {
  Table* const table = table_of(command);
  if (table == nullptr) return;
  auto const there = std::ranges::find_if(table->objects, [&](const Object& one) {
    return one.body.module == command.module && (command.name.text.empty() ? one.handle == command.handle : one.name == command.name.text);
  });
  bool const found = there != table->objects.end();
  if (removes(command)) {
    if (!found && command.operation == Operation::remove) error(command.name.at, kMissing);
    if (found) table->objects.erase(there);
    return;
  }
  if (found) {
    if (command.operation == Operation::create) error(command.name.at, kExists);
    return;
  }
  Checker checker(*table, registry_, diagnostics_);
  if (!checker.body(command.object.body)) return;
  command.object.handle = table->next_handle++;
  table->objects.push_back(std::move(command.object));
}

void Transaction::flowtable(Command& command) {
  Table* const table = table_of(command);
  if (table == nullptr) return;
  if (removes(command)) {
    if (Flowtable* const there = find_in(table->flowtables, command))
      table->flowtables.erase(table->flowtables.begin() + (there - table->flowtables.data()));
    return;
  }
  if (find_named(table->flowtables, command.name.text) != nullptr) {
    if (command.operation == Operation::create) error(command.name.at, kExists);
    return;
  }
  Flowtable made = std::move(command.flowtable);
  if (command.hook_at.text != "ingress") return error(command.hook_at.at.known() ? command.hook_at.at : command.at, "unknown chain hook");
  if (!take_priority(command, "netdev", "ingress", made.priority)) return;
  made.devices = sorted_devices(command);
  for (const Name& flag : command.flags)
    if (flag.text != "offload") return error(flag.at, "syntax error, unexpected string, expecting offload");
  for (const Name& flag : command.flags) made.offload = made.offload || flag.text == "offload";
  made.handle = table->next_handle++;
  table->flowtables.push_back(std::move(made));
}

void Transaction::flush_ruleset(const Command& command) {
  if (command.operation != Operation::flush) return error(command.at, "syntax error, unexpected ruleset");
  std::erase_if(ruleset_.tables, [&](const Table& table) { return command.family.empty() || table.family == command.family; });
}

bool apply(Ruleset& ruleset, std::vector<Command> commands, const Registry& registry, Diagnostics& diagnostics, Applied* applied) {
  if (diagnostics.any()) return false;
  Ruleset next = ruleset;
  Transaction transaction(ruleset, next, registry, diagnostics, applied);
  for (Command& command : commands) transaction.run(command);
  if (!diagnostics.any()) transaction.finish();
  if (diagnostics.any()) return false;
  ruleset = std::move(next);
  return true;
}

}  // namespace bulkhead::ruleset
