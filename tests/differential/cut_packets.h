// tests/differential/cut_packets.h: what comes in fragments, as good and as bad hosts send them.
//
// Same    depends on the random numbers alone.
#pragma once

#include <vector>

#include "tests/differential/cases.h"

namespace bulkhead::test {

/// Makes a datagram larger than most ways are, now and then.
void enlarge(Random& random, CasePacket& packet);

/// The frames that take the frame's place, in the order of sending: itself, or its fragments; unless `honest` some lack, come
/// twice, or contradict.
std::vector<Bytes> cut(Random& random, const Bytes& frame, bool honest);

}  // namespace bulkhead::test
