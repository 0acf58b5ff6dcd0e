// common/ruleset/compile/tracked.h: for which families a ruleset brings conntrack, and with it the reassembly of fragments.
//
// Which   a module says of itself that it needs conntrack (Module::tracks); the rule that uses it need not be one that packets meet.
// Source  Linux nf_ct_netns_get, nf_defrag_ipv4_enable: asked for when a rule or an object is loaded.
#pragma once

#include "common/ruleset/tree/generic.h"

namespace bulkhead::ruleset {

struct TrackedFamilies {
  bool ip = false, ip6 = false, bridge = false;
};

[[nodiscard]] TrackedFamilies tracked_families(const Ruleset& ruleset);

}  // namespace bulkhead::ruleset
