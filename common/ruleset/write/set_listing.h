// common/ruleset/write/set_listing.h: a ruleset as it is now, for a listing: counters, quotas used, elements of sets.
//
// Who     whoever has the state words: the CLI at a replay's end.
// Units   now_ns: packet clock; elements that have expired by then are not shown.
// Owner   the ruleset that the program was made of is changed; the program points into it and is good for nothing but
//         another listing's counters afterwards.
#pragma once

#include "common/ruleset/compile/load.h"

namespace bulkhead::ruleset {

void put_state(Loaded& loaded, const StateWords& state, uint64_t now_ns);

}  // namespace bulkhead::ruleset