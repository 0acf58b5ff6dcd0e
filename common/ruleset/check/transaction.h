// common/ruleset/check/transaction.h: commands carried out one after another on a copy of the ruleset; apply.cc's own.
//
// Who     apply.cc: tables, rules, objects, flowtables; apply_chains.cc: chains and jumps; places.cc: where statements may run; apply_sets.cc: sets and elements.
//         apply_list.cc: what is listed must be there.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {

constexpr const char* kMissing = "No such file or directory";
constexpr const char* kExists = "Could not process rule: File exists";
constexpr const char* kBusy = "Could not process rule: Device or resource busy";
constexpr const char* kUnsupported = "Could not process rule: Operation not supported";

/// A table, or a thing in one, that was not there before.
const Table* table_in(const Ruleset& ruleset, std::string_view family, std::string_view name);
template <class Thing>
bool is_new(const Ruleset& before, const Table& table, std::vector<Thing> Table::* things, std::string_view name) {
  const Table* const there = table_in(before, table.family, table.name);
  return there == nullptr || find_named(there->*things, name) == nullptr;
}

class Transaction {
 public:
  /// `before` is what there was, `ruleset` what becomes of it.
  Transaction(const Ruleset& before, Ruleset& ruleset, const Registry& registry, Diagnostics& diagnostics, Applied* applied)
      : before_(before), ruleset_(ruleset), registry_(registry), diagnostics_(diagnostics), applied_(applied) {}

  void run(Command& command);
  /// What only the whole can tell: loops.
  void finish();

 private:
  void error(const Location& at, std::string reason) { diagnostics_.error(at, std::move(reason)); }
  [[nodiscard]] static bool removes(const Command& command) {
    return command.operation == Operation::remove || command.operation == Operation::destroy;
  }
  Table* find_table(const Command& command, bool quiet = false);
  /// The table, unless it is destroyed with what is in it and need not be there.
  Table* table_of(const Command& command) { return find_table(command, command.operation == Operation::destroy); }
  /// By name or handle; says so if it is not there and should be.
  template <class Thing>
  Thing* find_in(std::vector<Thing>& list, const Command& command) {
    for (Thing& one : list)
      if (command.name.text.empty() ? one.handle == command.handle : one.name == command.name.text) return &one;
    if (command.operation != Operation::destroy) error(command.name.at.known() ? command.name.at : command.handle_at, kMissing);
    return nullptr;
  }
  bool take_priority(const Command& command, std::string_view family, std::string_view hook, int32_t& priority);
  static std::vector<std::string> sorted_devices(const Command& command);

  void table(Command& command);
  void chain(Command& command);
  void add_chain(Table& table, Command& command);
  void change_chain(Chain& there, const Command& command);
  void rename_chain(Table& table, const Command& command);
  void remove_chain(Table& table, const Command& command);
  bool base(Command& command);
  void rule(Command& command);
  void add_rule(Table& table, Chain& chain, Command& command, std::vector<Rule>::iterator position);
  void take_handles(Table& table, const Rule& rule);
  void make_meter(Table& table, const Statement& meter);
  static void clear_rules(Table& table, Chain& chain);
  static void forget_meters(Table& table, const Rule& rule);
  bool fill_sets(Table& table, const Rule& rule);
  void set(Command& command);
  void remove_set(Table& table, const Command& command);
  void elements(Command& command);
  void add_elements(Set& set, std::vector<Expression> given, const Command& command, Checker& checker);
  void remove_elements(Set& set, const std::vector<Expression>& given, bool quiet);
  void object(Command& command);
  void flowtable(Command& command);
  void flush_ruleset(const Command& command);
  void places(const Table& table);
  void list(const Command& command);
  void flush_meter(const Command& command);
  void look_for(const Command& command);
  void walk(const Table& table, const Chain& chain, std::map<std::string_view, size_t>& deepest, size_t depth);

  const Ruleset& before_;
  Ruleset& ruleset_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  Applied* applied_;
  bool looped_ = false;
  Location last_rule_{};  // where the kernel's last check is reported
};

}  // namespace bulkhead::ruleset
