// services/conntrack/own_reset.h: the reset with which rules answer a segment that is of no flow, as a packet of the flow of its tuple.
//
// Who     track says what state output chains see it in; confirm, once it is known that there is one, what it does to the flow.
// Source  nf_send_reset(), by the output hook into nf_conntrack_tcp_packet().
#pragma once

#include "ipc/tracking/tcp_flow.h"
#include "ipc/tracking/tcp_track.h"

namespace bulkhead::conntrack {

struct OwnReset {
  TcpFlow flow;  // afterwards
  TcpOutcome outcome;
};

/// `entry`: its flow, confirmed and alive, which the reset goes `way` of.
[[nodiscard]] OwnReset track_own_reset(const Descriptor& refused, const FlowEntry& entry, Direction way) noexcept;

}  // namespace bulkhead::conntrack
