// ipc/control/ruleset.h: a ruleset into the settings, and out of them again.
//
// Who     the CLI puts it in; whoever needs the program takes it out: the same text makes the same program, with the same
//         numbers for rules and state words.
// Trust   what comes out of settings is parsed and checked like any ruleset; numbers that do not agree are an error.
#pragma once

#include <memory>

#include "common/ruleset/compile/load.h"
#include "ipc/control/settings.h"

namespace bulkhead::control {

/// Interfaces are numbered from 1, in the settings' order.
[[nodiscard]] ruleset::Compiler::World world_of(const Settings& settings);
/// Fills in settings.ruleset. `settings` has its interfaces and topology already.
void set_ruleset(Settings& settings, const ruleset::Loaded& loaded);
/// Null: there is no ruleset.
[[nodiscard]] Result<std::unique_ptr<ruleset::Loaded>> ruleset_of(const Settings& settings);

}  // namespace bulkhead::control