// common/ruleset/check/apply_list.cc: what `list` and `reset` name must be there; if not, nft may guess what was meant.
#include "common/ruleset/check/near_name.h"
#include "common/ruleset/check/transaction.h"

namespace bulkhead::ruleset {
namespace {

/// Whose names nft knows when it guesses: of tables, chains and sets it asks the kernel for the one alone.
enum class Known : uint8_t { all, made_here };

struct Rulesets {
  const Ruleset& before;
  const Ruleset& now;
};

bool knows_tables(const Command& command) {
  switch (command.thing) {
    case Thing::table: case Thing::chain: case Thing::set: case Thing::map: case Thing::flowtable: return false;
    default: return true;
  }
}

std::string no_table(const Rulesets& rulesets, const std::string& asked, Known known) {
  NearName near(asked);
  const Table* meant = nullptr;
  for (const Table& table : rulesets.now.tables) {
    if (known == Known::made_here && table_in(rulesets.before, table.family, table.name) != nullptr) continue;
    if (table.name == asked) {
      meant = &table;
      break;
    }
    if (near.offer(table.name)) meant = &table;
  }
  return meant == nullptr ? kMissing : fmt::format("{}; did you mean table ‘{}’ in family {}?", kMissing, meant->name, meant->family);
}

/// `word` says what a near one is called.
template <class Thing, class Word>
std::string none_such(const Rulesets& rulesets, std::vector<Thing> Table::* things, const std::string& asked, Known known, Word word) {
  NearName near(asked);
  std::string reason = kMissing;
  for (const Table& table : rulesets.now.tables)
    for (const Thing& thing : table.*things) {
      if (known == Known::made_here && !is_new(rulesets.before, table, things, thing.name)) continue;
      if (near.offer(thing.name))
        reason = fmt::format("{}; did you mean {} ‘{}’ in table {} ‘{}’?", kMissing, word(thing), thing.name, table.family, table.name);
    }
  return reason;
}

/// Empty: it is there.
std::string missing(const Rulesets& rulesets, const Table& table, const Command& command) {
  const std::string& asked = command.name.text;
  switch (command.thing) {
    case Thing::chain:
      if (find_named(table.chains, asked) != nullptr) return {};
      return none_such(rulesets, &Table::chains, asked, Known::made_here, [](const Chain&) { return "chain"; });
    case Thing::flowtable:
      if (find_named(table.flowtables, asked) != nullptr) return {};
      return none_such(rulesets, &Table::flowtables, asked, Known::made_here, [](const Flowtable&) { return "flowtable"; });
    case Thing::object: {
      auto const same = [&](const Object& one) { return one.body.module == command.module && one.name == asked; };
      if (std::ranges::any_of(table.objects, same)) return {};
      return none_such(rulesets, &Table::objects, asked, Known::all, [](const Object&) { return "obj"; });
    }
    default: {
      if (find_named(table.meters, asked) != nullptr) return command.thing == Thing::meter ? "" : kMissing;
      if (const Set* const set = find_named(table.sets, asked))
        return command.thing == (set->map ? Thing::map : Thing::set) ? "" : kMissing;
      Known const known = command.thing == Thing::meter ? Known::all : Known::made_here;
      return none_such(rulesets, &Table::sets, asked, known, [](const Set& set) { return set.map ? "map" : "set"; });
    }
  }
}

}  // namespace

const Table* table_in(const Ruleset& ruleset, std::string_view family, std::string_view name) {
  auto const found = std::ranges::find_if(ruleset.tables, [&](const Table& one) { return one.family == family && one.name == name; });
  return found == ruleset.tables.end() ? nullptr : &*found;
}

void Transaction::list(const Command& command) {
  if (applied_ != nullptr) applied_->listings.push_back(command);
  look_for(command);
}

void Transaction::flush_meter(const Command& command) {
  size_t const errors = diagnostics_.count();
  look_for(command);
  if (diagnostics_.count() == errors) error(command.at, kUnsupported);  // as of every set without a name of its own
}

void Transaction::look_for(const Command& command) {
  bool const of_table = command.name.text.empty();
  if (of_table && command.handle_at.known()) return error(command.handle_at, "syntax error, unexpected handle");
  if (command.table.text.empty()) return;
  Rulesets const rulesets{before_, ruleset_};
  const Table* const table = table_in(ruleset_, command.family, command.table.text);
  if (table == nullptr) return error(command.table.at, no_table(rulesets, command.table.text, knows_tables(command) ? Known::all : Known::made_here));
  if (of_table) return;
  std::string const reason = missing(rulesets, *table, command);
  if (reason.empty()) return;
  if (command.operation == Operation::reset) return error(command.at, fmt::format("Could not process rule: {}", kMissing));
  error(command.name.at, reason);
}

}  // namespace bulkhead::ruleset
