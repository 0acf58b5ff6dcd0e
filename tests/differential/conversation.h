// tests/differential/conversation.h: packets that a router meets which has a given rule: a conversation of the kind that the
// rule looks for, between hosts that it names, and single packets at the edges of its constants.
//
// Sides    a packet comes in where its source lives (kernel_lab.sh); a source that lives nowhere comes in anywhere.
// Same     depends on the random numbers and the constants alone.
#pragma once

#include <vector>

#include "tests/differential/cases.h"
#include "tests/differential/constants.h"

namespace bulkhead::test {

inline constexpr std::array<const char*, 3> kRouterSides{"lan", "wan", "dmz"};

struct RoutedPacket {
  size_t side;  // of kRouterSides
  CasePacket packet;
};

/// First packets, answers, errors, nonsense: at most `most` of them.
std::vector<RoutedPacket> conversation(Random& random, const Constants& constants, size_t most);

}  // namespace bulkhead::test
