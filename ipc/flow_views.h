// ipc/flow_views.h: what a rule may ask of a packet's flow beyond its state, as of the packet's own track.
//
// Who     conntrack's track writes the slot of each packet that has a flow, where the ruleset asks (Settings::Ruleset::views);
//         rules reads it.
// Units   nanoseconds of the packet clock; bytes of layer 3. The packet itself is counted.
// Owner   a slot for each number (ipc/slots.h).
// Trust   rules copies the slot: it cannot be more than a wrong number.
#pragma once

#include <array>

#include "ipc/slots.h"

namespace bulkhead {

struct alignas(64) FlowNow {
  uint64_t number;      // of the packet
  uint64_t expires_ns;  // 0: not confirmed yet
  std::array<uint64_t, 2> packets, bytes;  // by direction
  uint32_t status;      // as nf_conntrack_common.h has it
};
static_assert(sizeof(FlowNow) == 64);

using FlowViews = Slots<FlowNow, Layout::flow_views>;

}  // namespace bulkhead
