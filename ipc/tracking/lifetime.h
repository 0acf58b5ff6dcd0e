// ipc/tracking/lifetime.h: how long a flow without states of its own lives after a packet.
//
// Units   nanoseconds.
// Source  nf_conntrack_{udp,udplite,icmp,icmpv6,gre,generic}_packet() of 6.18: what counts is what was known before the packet,
//         so that the first answer still leaves the short time-out.
#pragma once

#include "ipc/state/flow_table.h"
#include "ipc/tracking/timeouts.h"

namespace bulkhead::tracking {

struct Lifetime {
  uint64_t ns;
  bool assured = false;  // from now on
};

/// Of a flow of `protocol`, not TCP, that was `age_ns` old, and had `status`, when its packet came.
[[nodiscard]] Lifetime lifetime(uint8_t protocol, uint32_t status, uint64_t age_ns, const Timeouts& timeouts) noexcept;

}  // namespace bulkhead::tracking