// common/ruleset/compile/resets.h: which packets may be refused with a TCP reset, which closes their flow.
//
// Who     the compiler. conntrack has to know, since the next packet of such a flow is judged by the closed one.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

/// `others`: packets of established flows are accepted in each chain before a rule that might reset them.
[[nodiscard]] Resets resets_of(const Program& program);

}  // namespace bulkhead::ruleset