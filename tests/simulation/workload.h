// tests/simulation/workload.h: small inputs that meet every hazard of the chain on purpose.
#pragma once

#include <cstdint>

#include "tests/simulation/world.h"

namespace bulkhead::test {

/// SYN and SYN/ACK adjacent, the same tuple twice, echoes, ICMP errors that quote what is in the chain, more tuples
/// than the table holds, jumps of the clock both ways, expired flows that come again, fragments, malformed frames,
/// frames that are no IP, one that needs a large cell. About `packets` of them, the same for the same seed.
[[nodiscard]] Input hazards(uint64_t seed, size_t packets);

/// For a router that translates (router.h): port clashes, ranges that run out, forwarded ports, hairpins, redirects, ICMP
/// errors about translated packets, and answers to ports that NAT is still choosing.
[[nodiscard]] Input translations(uint64_t seed, size_t packets);

/// For a router with kLaneRules: conversations that go on and on, in the fast lane, and what brings them back from there.
[[nodiscard]] Input streams(uint64_t seed, size_t packets);

/// For a router with kChangingRules: packets of no flow that rules make another flow's, between that one's.
[[nodiscard]] Input changes(uint64_t seed, size_t packets);

}  // namespace bulkhead::test
