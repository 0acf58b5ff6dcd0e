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
[[nodiscard]] chain::DropReason reason_before_hooks(std::span<const uint8_t> bytes, const packet::Headers& headers);
/// Facts into the descriptor; or that it is dropped, for `reason`.
void settle(std::span<const uint8_t> bytes, const packet::Headers& headers, chain::DropReason reason, chain::Descriptor& descriptor);

}  // namespace bulkhead::pktio
