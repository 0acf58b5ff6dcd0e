// services/pktio/rewrite.h: a packet's addresses, ports and checksums as nat wants them.
//
// Who     transmit.cc, on its own copy of the packet.
// Units   bytes from the network header on; `transport`: offset of the transport header; 0: none (a later fragment).
// Trust   only bytes that are there are touched. A checksum is changed by what its words were and are, so one that was wrong
//         stays wrong, and a capture that was cut short can be mended.
// Source  RFC 1624; Linux nf_nat_proto.c (l4proto_manip_pkt and its kin), nf_nat_icmp_reply_translation.
#pragma once

#include <span>

#include "ipc/nat_orders.h"

namespace bulkhead::pktio {

void rewrite(std::span<uint8_t> packet, uint8_t protocol, size_t transport, const NatEdit& edit) noexcept;

}  // namespace bulkhead::pktio
