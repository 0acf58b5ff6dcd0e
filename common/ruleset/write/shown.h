// common/ruleset/write/shown.h: which parts of a ruleset a `list` command is about, for text and JSON alike.
//
// Owner   points into the ruleset.
#pragma once

#include "common/ruleset/tree/command.h"

namespace bulkhead::ruleset {

/// Of one table.
struct Shown {
  const Table* table = nullptr;
  bool whole = false;  // the table itself too: `list ruleset`, `list table`
  bool rules = false;
  std::vector<const Object*> objects;
  std::vector<const Set*> sets;
  std::vector<const Flowtable*> flowtables;
  std::vector<const Chain*> chains;
};

Shown whole(const Table& table);
/// Of `list tables` nothing but the tables.
std::vector<Shown> shown(const Ruleset& ruleset, const Command& list);

}  // namespace bulkhead::ruleset
