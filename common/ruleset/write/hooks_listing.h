// common/ruleset/write/hooks_listing.h: `list hooks`: which base chains stand at which hook, in the order that packets meet them.
//
// Shape   nft's (mnl.c, print_hooks); its kernel lists conntrack and NAT too, and the module of each, where it was built so. A chain of
//         inet stands at the hooks of ip and of ip6; chains of devices, for each device.
#pragma once

#include <string>

#include "common/ruleset/tree/command.h"

namespace bulkhead::ruleset {

/// Of the family that it names; of all, if it names none.
std::string list_hooks(const Ruleset& ruleset, const Command& list);

}  // namespace bulkhead::ruleset
