// ipc/tracking/own_reset.h: the reset with which rules answer a segment that is of no flow, as a packet of the flow of its tuple.
//
// Who     track says what output chains see it as, and rules of a segment whose tuple they have set; confirm, once it is known that
//         there is one, what it does to the flow.
// Source  nf_send_reset(), by the output hook into nf_conntrack_tcp_packet().
#pragma once

#include "ipc/state/flow_views.h"
#include "ipc/tracking/tcp_flow.h"
#include "ipc/tracking/tcp_track.h"

namespace bulkhead::tracking {

struct OwnReset {
  TcpFlow flow;  // afterwards
  TcpOutcome outcome;
};

/// Bytes of layer 3 that it has.
[[nodiscard]] constexpr uint64_t reset_bytes(uint8_t l3) noexcept { return l3 == 4 ? 40 : 60; }

/// `entry`: its flow, confirmed and alive, which the reset goes `way` of.
[[nodiscard]] OwnReset track_own_reset(const chain::Descriptor& refused, const state::FlowEntry& entry, chain::Direction way,
                                      const TimeoutPolicies& policies) noexcept;

/// `now`: of that flow before it, in the direction of the reset.
void show_reset(const TcpOutcome& outcome, state::FlowNow& now) noexcept;
/// As output chains see the flow, once it has been tracked.
void count_reset(state::FlowNow& now, uint64_t time_ns, uint8_t l3) noexcept;

}  // namespace bulkhead::tracking