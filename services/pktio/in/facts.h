// services/pktio/in/facts.h: what pktio says of a packet before anybody judges it.
//
// Who     receive.h, of each packet; conntrack and rules then need not look at the bytes for it.
// Trust   any bytes whatever are safe; `headers` are packet::parse()'s of them.
#pragma once

#include <span>

#include "common/base/topology.h"
#include "common/packet/packet.h"
#include "ipc/chain/descriptor.h"

namespace bulkhead::pktio {

/// By its link-layer address; cooked captures keep that as a packet type (pcap-linktype(7): 1 broadcast, 2 multicast).
[[nodiscard]] bool is_to_group(std::span<const uint8_t> bytes, packet::LinkType link);
/// Cooked captures say that it was sent to somebody else (pcap-linktype(7): 3).
[[nodiscard]] bool is_for(const Mac& own, std::span<const uint8_t> bytes, packet::LinkType link);
/// Why the kernel would drop a packet before any hook sees it; none: it would not. What is wrong further up the rules see as invalid.
/// `router`: which wiring; a bridge looks at less.
[[nodiscard]] chain::DropReason reason_before_hooks(std::span<const uint8_t> bytes, uint32_t wire, const packet::Headers& headers, bool router);
/// Has its sender left to its card what the IP header says of its length, or IPv4's checksum?
[[nodiscard]] bool is_unfinished(std::span<const uint8_t> bytes, const packet::Headers& headers);
/// Then it gets them, as they would leave the card.
void finish(std::span<uint8_t> bytes, const packet::Headers& headers);
/// Is it larger than what fits through `mtu`, by which it came in one piece, and not to be cut? Then it was made of several by offloading.
[[nodiscard]] bool is_super_frame(std::span<const uint8_t> bytes, const packet::Headers& headers, uint32_t mtu);
/// Facts into the descriptor; or that it is dropped, for `reason`.
void settle(std::span<const uint8_t> bytes, const packet::Headers& headers, chain::DropReason reason, chain::Descriptor& descriptor);

}  // namespace bulkhead::pktio
