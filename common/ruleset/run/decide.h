// common/ruleset/run/decide.h: what a step says that decides.
#pragma once

#include "common/ruleset/run/step.h"

namespace bulkhead::ruleset::run {

inline Next decide(Evaluation& packet, Decision what) noexcept {
  packet.verdict = what;
  return Next::verdict;
}

}  // namespace bulkhead::ruleset::run
