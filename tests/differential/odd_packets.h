// tests/differential/odd_packets.h: what the network layer alone looks at: options, extension headers, addresses that nobody has, groups.
//
// Same    depends on the random numbers alone.
#pragma once

#include "tests/differential/cases.h"

namespace bulkhead::test {

/// The frame with something odd in its IP header, or as it is. Its transport's checksum stays right.
Bytes odd(Random& random, const Bytes& frame);

}  // namespace bulkhead::test
