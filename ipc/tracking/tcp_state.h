// ipc/tracking/tcp_state.h: the kernel's TCP state table: flags and direction to the next state.
//
// Covers  the transitions by flags alone; what sequence numbers make of them is in tcp_track.h.
// Source  nf_conntrack_proto_tcp.c, tcp_conntracks[][][]; RFC 9293 3.3.2.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ipc/chain/descriptor.h"

namespace bulkhead::tracking {

enum class TcpState : uint8_t {
  none,
  syn_sent,
  syn_recv,
  established,
  fin_wait,
  close_wait,
  last_ack,
  time_wait,
  close,
  syn_sent2,
  invalid,  // not a state: such a packet does not belong here
  ignored,  // not a state: the packet passes and changes nothing
};

inline constexpr size_t kTcpStates = 10;  // but for those that are none

/// What of its flags a segment is looked at for: the strongest of RST, SYN, FIN, ACK.
enum class TcpKind : uint8_t { syn, syn_ack, fin, ack, rst, nothing };
inline constexpr size_t kTcpKinds = 6;
[[nodiscard]] TcpKind kind_of(uint8_t tcp_flags) noexcept;
/// False: a combination of flags that no TCP sends.
[[nodiscard]] bool possible_flags(uint8_t tcp_flags) noexcept;

/// tcp_flags: the 14th byte of the TCP header.
[[nodiscard]] TcpState next_state(TcpState now, chain::Direction way, uint8_t tcp_flags) noexcept;

}  // namespace bulkhead::tracking