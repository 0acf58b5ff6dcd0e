// tests/differential/cases.h: conversations by seed, made to go wrong, for the kernel and for us.
//
// Same    a case depends on its seed alone.
// Names   each case has two hosts of its own, so that cases do not meet: lan 10.x.y.1, 2001:db8:1::n, wan 192.0.2.n.
#pragma once

#include <vector>

#include "tests/tools/conversations.h"

namespace bulkhead::test {

/// A packet without its IP header, which the whole run numbers.
struct CasePacket {
  Side side;  // where it comes in
  Ends ends;
  uint8_t protocol;
  Bytes l4;
  bool bad_ip_checksum = false;
};
using Case = std::vector<CasePacket>;

Case tcp_case(uint64_t seed);    // handshakes, losses, retransmissions, resets, reuse, segments out of every window
Case other_case(uint64_t seed);  // UDP, ICMP and its errors, GRE, protocols without ports, malformed headers
Case sctp_case(uint64_t seed);   // associations, heartbeats, shutdowns, with wrong tags and chunks in wrong places
Case any_case(uint64_t seed);

/// The hosts of a case; a fourth of the cases is IPv6.
Ends case_ends(uint64_t seed);

}  // namespace bulkhead::test
