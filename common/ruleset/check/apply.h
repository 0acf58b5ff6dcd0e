// common/ruleset/check/apply.h: commands carried out on a ruleset as one transaction: all, or none and a list of what is wrong.
//
// Order   as given; handles as the kernel counts them: one counter a table over chains, sets, objects, rules; an anonymous set
//         of a rule takes one before the rule.
// Cost    a copy of the ruleset, which is what makes it all or nothing.
#pragma once

#include "common/ruleset/tree/command.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/tree/source.h"

namespace bulkhead::ruleset {

/// What `list` and `reset` in the input asked for, in order.
struct Applied {
  std::vector<Command> listings;
};

bool apply(Ruleset& ruleset, std::vector<Command> commands, const Registry& registry, Diagnostics& diagnostics,
           Applied* applied = nullptr);

}  // namespace bulkhead::ruleset