// ipc/tracking/tcp_track.h: what a TCP segment does to its flow: state, window, time-out, end.
//
// Units   time-outs: nanoseconds.
// Source  nf_conntrack_tcp_packet(), tcp_new(), nf_tcp_handle_invalid() of nf_conntrack_proto_tcp.c (6.18), with its
//         defaults: loose 1, be_liberal 0, max_retrans 3, ignore_invalid_rst 0. RFC 5961 for resets and challenge ACKs.
#pragma once

#include "ipc/state/flow_table.h"
#include "ipc/tracking/tcp_window.h"
#include "ipc/tracking/timeouts.h"

namespace bulkhead::tracking {

enum class TcpFate : uint8_t {
  accepted,  // the flow lives on for `timeout_ns` from now
  kept,      // passes as the flow's; its time-out stays, and the packet does not count
  invalid,   // does not belong to the flow
  ended,     // passes as the flow's last packet
  anew,      // the flow is over, and the packet begins another with the same tuple
};

struct TcpOutcome {
  TcpFate fate;
  uint64_t timeout_ns = 0;  // accepted; invalid: not 0 if the flow is to end at the latest after so long
  bool assured = false;     // from now on
};

/// That of a TCP packet, going `way`.
[[nodiscard]] TcpSegment segment_of(const chain::Descriptor& descriptor, chain::Direction way) noexcept;

/// `status`: Status32 of the entry. `left_ns`: until it would expire.
[[nodiscard]] TcpOutcome track_tcp(TcpFlow& flow, const TcpSegment& segment, uint32_t status, uint64_t left_ns,
                                   const Timeouts& timeouts = kDefaultTimeouts) noexcept;

/// The first segment of a flow, in the original direction. False: none begins so.
[[nodiscard]] bool begin_tcp(TcpFlow& flow, const TcpSegment& segment) noexcept;

}  // namespace bulkhead::tracking