// services/pktio/lanes/plain.h: packets that may go by the lane as far as their headers go, or bring their flow into it.
#pragma once

#include "common/packet/ip_header.h"
#include "ipc/chain/descriptor.h"

namespace bulkhead::pktio {

/// Headers alone, no options: rules cannot tell two such packets of a flow apart but by fields that they ask for by name.
[[nodiscard]] inline bool is_plain(const chain::Descriptor& descriptor) {
  constexpr uint8_t kJudged = 0x37, kPlain = 0x10;  // FIN, SYN, RST, ACK, URG: of a TCP packet in the lane ACK alone
  size_t const header = descriptor.tuple.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6;
  bool const tracked = descriptor.tuple.protocol == packet::protocol::udp ||
                       (descriptor.tuple.protocol == packet::protocol::tcp && (descriptor.tcp_flags & kJudged) == kPlain);
  return descriptor.shape == packet::Shape::ip && descriptor.quote == chain::Quote::none && descriptor.verdict == chain::Verdict::accept && tracked &&
         descriptor.l4_offset == descriptor.l3_offset + header && descriptor.largest_fragment == 0;
}

}  // namespace bulkhead::pktio
