// common/ruleset/tree/command.h: one operation on a ruleset, as it was read.
//
// Who     text.h and json.h make a list of them, apply.h carries them out, all or none.
// Shape   a table's block becomes a list: the table, its chains, objects, sets, flowtables, then rules, then elements, as nft
//         sends them to the kernel (handles follow from that order).
#pragma once

#include "common/ruleset/tree/generic.h"

namespace bulkhead::ruleset {

enum class Operation : uint8_t { add, create, insert, replace, remove, destroy, flush, list, reset, rename };
enum class Thing : uint8_t { table, chain, rule, set, map, element, object, flowtable, ruleset, tables, chains, sets, maps,
                             objects, flowtables, meters, meter, hooks };

constexpr bool changes_rules(Operation operation) {
  return operation != Operation::list && operation != Operation::reset && operation != Operation::flush;
}

/// A name and where it stood.
struct Name {
  std::string text;
  Location at;
};

struct Priority {
  Name name;           // `filter`; empty: a number
  int64_t number = 0;  // or what is added to it
  Location at;
};

struct Command {
  Operation operation = Operation::add;
  Thing thing = Thing::table;
  Location at;
  std::string family;  // empty: ip; of several things: any
  Name table, name, second;  // name: of chain, set, object; second: a new name
  uint64_t handle = 0, position = 0;
  std::optional<uint64_t> index;
  Location handle_at;

  std::string comment;
  std::vector<Name> flags;  // of a table, set or flowtable
  // chain
  std::optional<Base> base;
  Priority priority;
  Location base_at;
  Name type_at, hook_at, policy;
  std::vector<Expression> devices;
  // rule, set, object, flowtable
  Rule rule;
  Set set;
  bool has_elements = false;
  const Module* module = nullptr;  // of objects
  Object object;
  Flowtable flowtable;
};

}  // namespace bulkhead::ruleset