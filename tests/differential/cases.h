// tests/differential/cases.h: conversations by seed, made to go wrong, for the kernel and for us.
//
// Same    a case depends on its seed alone.
// Names   any_case(seed) has two hosts of its own, so that cases do not meet: lan 10.x.y.1, 2001:db8:1::n, wan 192.0.2.n.
//         Side::lan is where the client's packets come in.
#pragma once

#include <vector>

#include "tests/tools/conversations.h"

namespace bulkhead::test {

/// Who speaks with whom. A port that is 0 is the case's own choice.
struct Parties {
  Ends ends;
  uint16_t client_port = 0, server_port = 0;
};

inline constexpr uint8_t kDccp = 33;  // which neither the kernel nor we know any more

/// A packet without its IP header, which the whole run numbers.
struct CasePacket {
  Side side;  // where it comes in
  Ends ends;
  uint8_t protocol;
  Bytes l4;
  bool bad_ip_checksum = false;
  uint8_t hop_limit = 64, traffic_class = 0;
};
using Case = std::vector<CasePacket>;

Case tcp_case(uint64_t seed, const Parties& parties);    // handshakes, losses, retransmissions, resets, reuse, segments out of every window
Case other_case(uint64_t seed, const Parties& parties);  // UDP, ICMP and its errors, GRE, protocols without ports, malformed headers
Case sctp_case(uint64_t seed, const Parties& parties);   // associations, heartbeats, shutdowns, with wrong tags and chunks in wrong places
Case any_case(uint64_t seed);

/// The whole frame. The number stands in the identification (IPv4) or the flow label.
Bytes numbered(const CasePacket& packet, uint32_t number);

}  // namespace bulkhead::test
