// ipc/state/nat_orders.h: what rules wants translated of a flow's first packet; and what nat has made of any packet.
//
// Who     rules writes NatOrders for nat; nat writes NatEdits for confirm (the flow's reply tuple) and home (the bytes).
// Owner   a slot for each number, in either (ipc/memory/slots.h, which says too how they are trusted).
#pragma once

#include "common/packet/nat_rewrite.h"
#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct alignas(64) NatOrders {
  uint64_t number;
  uint8_t source, destination;  // 1: the range is meant
  packet::NatRange source_range, destination_range;
};
static_assert(sizeof(NatOrders) == 128);

struct alignas(64) NatEdit {
  uint64_t number;
  packet::Rewriting what;  // to: the packet's own tuple, as it is to leave
};
static_assert(sizeof(NatEdit) == 128);

using NatOrdersTable = memory::Slots<NatOrders, memory::Layout::nat_orders>;
using NatEdits = memory::Slots<NatEdit, memory::Layout::nat_edits>;

}  // namespace bulkhead::state