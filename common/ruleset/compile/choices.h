// common/ruleset/compile/choices.h: of which new flows rules may see what nat chooses, knowing every flow: another port where somebody has the
// one asked for.
//
// Who     the compiler. Of such flows rules choose the same before nat does (services/rules/foreseen.h).
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

[[nodiscard]] Choices choices_of(const Program& program);

}  // namespace bulkhead::ruleset