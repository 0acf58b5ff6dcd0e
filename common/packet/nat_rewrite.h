// common/packet/nat_rewrite.h: a packet's addresses, ports and checksums as a translation wants them.
//
// Who     pktio's transmit, on its own copy of the packet; rules, on the headers that later hooks see.
// Units   bytes from the network header on; `transport`: offset of the transport header; 0: none (a later fragment).
// Trust   only bytes that are there are touched. A checksum is changed by what its words were and are, so one that was wrong
//         stays wrong, and a capture that was cut short can be mended.
// Source  RFC 1624; Linux nf_nat_proto.c (l4proto_manip_pkt and its kin), nf_nat_icmp_reply_translation.
#pragma once

#include <span>

#include "common/packet/nat_range.h"

namespace bulkhead::packet {

struct Rewriting {
  static constexpr uint8_t source = 1, destination = 2;  // bits of outer and inner
  uint8_t outer = 0;  // parts of the packet itself that become those of `to`
  uint8_t inner = 0;  // and of the packet that an ICMP error quotes
  Tuple to, inner_to;
};
[[nodiscard]] constexpr uint8_t bit_of(Part part) noexcept {
  return part == Part::source ? Rewriting::source : Rewriting::destination;
}

/// Bytes of the transport header that must be there for it to be rewritten; 0: nothing of that protocol's is.
[[nodiscard]] constexpr size_t rewritten_bytes(uint8_t number) noexcept {
  constexpr std::array known{protocol::tcp,    protocol::udp,  protocol::udplite, protocol::sctp,
                             protocol::icmpv6, protocol::icmp, protocol::gre};
  for (uint8_t const one : known)
    if (one == number) return 8;
  return 0;
}

/// `protocol`: of the packet itself, which is not that of `to` where an ICMP error is of a flow.
void rewrite(std::span<uint8_t> packet, uint8_t protocol, size_t transport, const Rewriting& what) noexcept;

/// SCTP's checksum cannot be mended by what changed: it is made anew, where the whole packet is there (sctp_manip_pkt).
void renew_sctp_checksum(std::span<uint8_t> packet, size_t transport) noexcept;

}  // namespace bulkhead::packet