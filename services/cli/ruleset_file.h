// services/cli/ruleset_file.h: a ruleset from a file into the settings; and as it was at the end, with its counters.
//
// Who     replay. The text that goes to the services is the listing, so that they need no files.
// Errors  all that nft would print of the file; what cannot be compiled yet, by name.
#pragma once

#include <memory>

#include "common/ruleset/compile/load.h"
#include "ipc/control/settings.h"
#include "ipc/state/counters.h"
#include "ipc/state/lanes.h"

namespace bulkhead::cli {

/// Fills in settings.ruleset. `settings` has its interfaces already.
[[nodiscard]] Result<std::unique_ptr<ruleset::Loaded>> read_ruleset_file(const std::string& path, control::Settings& settings);

/// The listing, with what `state` says of counters, quotas used, elements of sets at `now_ns` of the packet clock.
[[nodiscard]] Status write_ruleset(const std::string& path, ruleset::Loaded& loaded, const state::RulesState& state,
                                   const state::LaneTable& lanes, uint64_t now_ns);

}  // namespace bulkhead::cli
