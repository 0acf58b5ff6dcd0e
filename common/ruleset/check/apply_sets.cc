// common/ruleset/check/apply_sets.cc: sets, maps, and what is put into them and taken out.
#include "common/ruleset/check/transaction.h"

namespace bulkhead::ruleset {
namespace {

bool mentions(const Expression& expression, const std::string& set) {
  if (expression.is(Kind::reference) && expression.text == set) return true;
  return std::ranges::any_of(expression.parts, [&](const Expression& part) { return mentions(part, set); });
}

bool set_in_use(const Table& table, const std::string& name) {
  for (const Chain& chain : table.chains)
    for (const Rule& rule : chain.rules)
      for (const Statement& statement : rule.statements)
        for (const Argument& argument : statement.arguments)
          if (mentions(argument.value, name)) return true;
  return false;
}

bool meter_of(const Table& table, const std::string& name) {
  for (const Chain& chain : table.chains)
    for (const Rule& rule : chain.rules)
      for (const Statement& one : rule.statements)
        if (one.module->role == Role::meter && one.argument("name")->text == name) return true;
  return false;
}

const DataType* type_of(const Expression& field) {
  return field.is(Kind::select) && field.type == nullptr && field.key != nullptr ? field.key->type : field.type;
}

/// A set may be named again as what it is.
bool same_kind(const Set& one, const Set& other) {
  auto const same_types = [](const std::vector<Expression>& left, const std::vector<Expression>& right) {
    return std::ranges::equal(left, right, [](const Expression& a, const Expression& b) { return type_of(a) == type_of(b); });
  };
  return one.map == other.map && one.object == other.object && same_types(one.key, other.key) && same_types(one.data, other.data);
}

bool same_element(const Expression& left, const Expression& right) {
  const Expression& one = left.parts[0];
  const Expression& other = right.parts[0];
  if (one.is(Kind::concat) != other.is(Kind::concat)) return false;
  if (!one.is(Kind::concat)) return same(one, other);
  return std::ranges::equal(one.parts, other.parts, same);
}

}  // namespace

void Transaction::set(Command& command) {
  Table* const table = table_of(command);
  if (table == nullptr) return;
  if (removes(command) || command.operation == Operation::flush) return remove_set(*table, command);
  Checker checker(*table, registry_, diagnostics_);
  if (Set* const there = find_named(table->sets, command.name.text)) {
    if (command.operation == Operation::create || !same_kind(*there, command.set)) error(command.name.at, kExists);
    return;
  }
  if (meter_of(*table, command.name.text)) return error(command.name.at, kExists);
  if (!checker.set(command.set)) return;
  command.set.handle = table->next_handle++;
  if (command.set.dynamic && command.set.size == 0) command.set.size = 65535;
  table->sets.push_back(std::move(command.set));
}

/// Or only its elements.
void Transaction::remove_set(Table& table, const Command& command) {
  Set* const there = find_in(table.sets, command);
  if (there == nullptr) return;
  if (command.operation == Operation::flush) return there->elements.clear();
  if (set_in_use(table, there->name)) return error(command.name.at, kBusy);
  table.sets.erase(table.sets.begin() + (there - table.sets.data()));
}

void Transaction::elements(Command& command) {
  Table* const table = find_table(command);
  if (table == nullptr) return;
  Set* const set = find_in(table->sets, command);
  if (set == nullptr) return;
  Checker checker(*table, registry_, diagnostics_);
  std::vector<Expression> given = std::move(command.set.elements);
  if (!checker.elements(*set, given)) return;
  if (removes(command)) return remove_elements(*set, given, command.operation == Operation::destroy);
  add_elements(*set, std::move(given), command, checker);
}

void Transaction::add_elements(Set& set, std::vector<Expression> given, const Command& command, Checker& checker) {
  bool const fresh = command.operation == Operation::create;
  // What is there twice goes when the elements are sorted; only what stays unsorted must be looked for one by one.
  bool const unsorted = set.key.size() > 1 && set.interval;
  if (!fresh && !unsorted) std::ranges::move(given, std::back_inserter(set.elements));
  if (!fresh && !unsorted) given.clear();
  for (Expression& element : given) {
    auto const there = std::ranges::find_if(set.elements, [&](const Expression& one) { return same_element(one, element); });
    if (there != set.elements.end() && fresh) error(element.at, kExists);
    else if (there == set.elements.end() || set.interval || set.map) set.elements.push_back(std::move(element));
  }
  arrange(set.elements, set.interval, set.auto_merge, checker);
  if (set.size != 0 && set.elements.size() > set.size) error(command.at, "Could not process rule: Too many open files in system");
}

void Transaction::remove_elements(Set& set, const std::vector<Expression>& given, bool quiet) {
  for (const Expression& element : given) {
    auto const there = std::ranges::find_if(set.elements, [&](const Expression& one) { return same_element(one, element); });
    if (there != set.elements.end()) set.elements.erase(there);
    else if (!quiet) error(element.at, set.interval ? "element does not exist" : "Could not process rule: No such file or directory");
  }
}

}  // namespace bulkhead::ruleset
