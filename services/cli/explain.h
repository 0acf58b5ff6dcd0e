// services/cli/explain.h: `bulkhead explain`: every chain that one packet of a replay met, every rule that was tried, with its
// line in the ruleset's file, and what became of the packet.
//
// How     the replay is run as a whole, by the same processes, into a folder that is thrown away; rules writes the walk down.
// Exit    as replay; 1 too if there is no such packet.
#pragma once

#include "services/cli/replay.h"

namespace bulkhead::cli {

[[nodiscard]] int explain(ReplayOptions options);

}  // namespace bulkhead::cli
