// ipc/nat_orders.h: what rules wants translated of a flow's first packet; and what nat has made of any packet.
//
// Who     rules writes NatOrders for nat; nat writes NatEdits for confirm (the flow's reply tuple) and home (the bytes).
// Order   addresses as in a packet; ports in host order in ranges, in network order in tuples.
// Owner   a slot for each number, in either (ipc/slots.h, which says too how they are trusted).
#pragma once

#include "common/address.h"
#include "common/packet.h"
#include "ipc/slots.h"

namespace bulkhead {

/// nf_nat_range2, with the kernel's flags (nf_nat.h).
struct NatRange {
  static constexpr uint16_t map_ips = 1, proto_specified = 2, proto_random = 4, persistent = 8, proto_random_fully = 16,
                            proto_offset = 32;
  uint16_t flags = 0;
  uint16_t min_port = 0, max_port = 0, base_port = 0;
  IpAddress min_address, max_address;
};

struct alignas(64) NatOrders {
  uint64_t number;
  uint8_t source, destination;  // 1: the range is meant
  NatRange source_range, destination_range;
};
static_assert(sizeof(NatOrders) == 128);

struct alignas(64) NatEdit {
  uint64_t number;
  uint8_t outer, inner;  // 1: these are meant
  Tuple to;              // the packet's own tuple, as it is to leave
  Tuple inner_to;        // that of the packet which an ICMP error quotes
};
static_assert(sizeof(NatEdit) == 128);

using NatOrdersTable = Slots<NatOrders, Layout::nat_orders>;
using NatEdits = Slots<NatEdit, Layout::nat_edits>;

}  // namespace bulkhead
