// common/ruleset/compile/hooks.h: which base chains no packet meets, for a warning to whoever wrote them.
#pragma once

#include <string>
#include <vector>

#include "common/ruleset/compile/compile.h"

namespace bulkhead::ruleset {

/// Tables and chains that no packet of a replay in this wiring comes to, a line each: their names, and why.
[[nodiscard]] std::vector<std::string> unmet(const Ruleset& ruleset, const Compiler::World& world);

}  // namespace bulkhead::ruleset
