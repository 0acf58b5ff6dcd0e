// ipc/state/flow_views.h: what a rule may ask of a packet's flow beyond its state, as of the packet's own track.
//
// Who     conntrack's track writes the slot of each packet that has a flow, where the ruleset asks (ruleset::Facts::views);
//         and, at a router, that of a packet which has none, while an ICMP error about it would be of one: that is the flow
//         meant then. rules reads it.
// Units   nanoseconds of the packet clock; bytes of layer 3. The packet itself is counted, where it is the flow's.
// Owner   a slot for each number (ipc/memory/slots.h).
// Trust   rules copies the slot: it cannot be more than a wrong number.
#pragma once

#include <algorithm>
#include <array>
#include <bit>

#include "ipc/chain/descriptor.h"
#include "ipc/memory/slots.h"
#include "ipc/state/flow_table.h"

namespace bulkhead::state {

struct alignas(64) FlowNow {
  uint64_t number;      // of the packet
  uint64_t expires_ns;  // 0: not confirmed yet
  std::array<uint64_t, 2> packets, bytes;  // by direction
  uint32_t status;      // as nf_conntrack_common.h has it
  // Of a packet that has no flow:
  uint32_t flow;        // the one meant, as in the descriptor: index plus 1
  uint32_t generation;  // of a packet that has a flow: that one's zones
  chain::Direction direction;  // of that error
  chain::FlowState reset = chain::FlowState::invalid;  // what a TCP reset about it would be, which is a packet of the flow meant; or invalid
  uint16_t reset_lives_s;  // for how many seconds the flow would live on; or
  static constexpr uint16_t kNotCounted = 0, kEnds = 0xffff;
  [[nodiscard]] packet::Zones zones() const { return std::bit_cast<packet::Zones>(generation); }
  /// A policy of time-outs may say more, or none.
  [[nodiscard]] static constexpr uint16_t lives_s(uint64_t seconds) { return static_cast<uint16_t>(std::clamp<uint64_t>(seconds, 1, kEnds - 1)); }
};
static_assert(sizeof(FlowNow) == 64);

/// Of a flow as it stands; nothing is meant by the fields of packets that have none.
[[nodiscard]] FlowNow flow_now(const FlowEntry& entry, uint64_t number) noexcept;
/// The same of a packet that has none, and the flow which is meant then.
[[nodiscard]] FlowNow flow_meant(const FlowEntry& entry, FlowHit hit, uint64_t number) noexcept;

using FlowViews = memory::Slots<FlowNow, memory::Layout::flow_views>;

}  // namespace bulkhead::state