// ipc/flow_views.h: what a rule may ask of a packet's flow beyond its state, as of the packet's own track.
//
// Who     conntrack's track writes the slot of each packet that has a flow, where the ruleset asks (Settings::Ruleset::views);
//         and, at a router, that of a packet which has none, while an ICMP error about it would be of one: that is the flow
//         meant then. rules reads it.
// Units   nanoseconds of the packet clock; bytes of layer 3. The packet itself is counted, where it is the flow's.
// Owner   a slot for each number (ipc/slots.h).
// Trust   rules copies the slot: it cannot be more than a wrong number.
#pragma once

#include <array>

#include "ipc/descriptor.h"
#include "ipc/slots.h"

namespace bulkhead {

struct alignas(64) FlowNow {
  uint64_t number;      // of the packet
  uint64_t expires_ns;  // 0: not confirmed yet
  std::array<uint64_t, 2> packets, bytes;  // by direction
  uint32_t status;      // as nf_conntrack_common.h has it
  // Of a packet that has no flow:
  uint32_t flow;        // the one meant, as in the descriptor: index plus 1
  uint32_t generation;
  Direction direction;  // of that error
  FlowState reset;      // what a TCP reset about it would be, which is a packet of the flow meant; or invalid
};
static_assert(sizeof(FlowNow) == 64);

using FlowViews = Slots<FlowNow, Layout::flow_views>;

}  // namespace bulkhead
