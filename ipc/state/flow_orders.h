// ipc/state/flow_orders.h: what rules want of a flow that begins, for confirm, which makes it one.
//
// Who     rules writes the slot of each packet that begins a flow, where the ruleset says such things; conntrack's confirm reads it.
// Owner   a slot for each number (ipc/memory/slots.h, which says too how it is trusted).
#pragma once

#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct FlowOrders {
  uint64_t number;
  uint32_t timeouts;  // policy of its time-outs (ipc/tracking/timeouts.h); 0: the kernel's defaults
  uint32_t unused;
};
static_assert(sizeof(FlowOrders) == 16);

using FlowOrdersTable = memory::Slots<FlowOrders, memory::Layout::flow_orders>;

}  // namespace bulkhead::state
