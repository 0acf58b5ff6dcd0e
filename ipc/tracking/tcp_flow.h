// ipc/tracking/tcp_flow.h: what is remembered of a TCP connection, as values and as words of its entry.
//
// Order   sequence numbers are compared modulo 2^32: before(), after().
// Crash   a visit unpacks it, changes values, and sets the words that came out differently in its batch.
// Source  struct ip_ct_tcp (nf_conntrack_tcp.h), whose names the fields bear without their prefix.
#pragma once

#include <array>

#include "ipc/tracking/tcp_state.h"

namespace bulkhead::tracking {

[[nodiscard]] constexpr bool before(uint32_t one, uint32_t other) noexcept {
  return static_cast<int32_t>(one - other) < 0;
}
[[nodiscard]] constexpr bool after(uint32_t one, uint32_t other) noexcept { return before(other, one); }

struct TcpFlag {  // IP_CT_TCP_FLAG_*; the last two in last_flags only
  static constexpr uint8_t window_scale = 0x01, sack_permitted = 0x02, close_init = 0x04, be_liberal = 0x08,
                           data_unacknowledged = 0x10, maxack_set = 0x20, expect_challenge_ack = 0x40,
                           simultaneous_open = 0x80;
};

struct TcpSide {
  uint32_t end = 0;     // highest seq + length that it sent
  uint32_t maxend = 0;  // highest ack + window that the other side gave it
  uint32_t maxwin = 0;  // largest window that it gave; 0: nothing of it has been seen
  uint32_t maxack = 0;  // highest ack that it sent
  uint8_t flags = 0;    // TcpFlag
  uint8_t scale = 0;
};

struct TcpFlow {
  using Words = std::array<uint64_t, 7>;

  std::array<TcpSide, 2> seen{};  // by Direction
  // Of the last segment, or of the last one that was let through without being believed.
  uint32_t last_seq = 0, last_ack = 0, last_end = 0;
  uint16_t last_win = 0;
  TcpKind last_kind = TcpKind::nothing;
  chain::Direction last_way = chain::Direction::original;
  uint8_t last_flags = 0;
  uint8_t last_scale = 0;
  uint8_t retransmitted = 0;  // the same segment in a row
  TcpState state = TcpState::none;

  [[nodiscard]] TcpSide& side(chain::Direction way) noexcept { return seen[static_cast<size_t>(way)]; }
  [[nodiscard]] uint8_t all_flags() const noexcept { return seen[0].flags | seen[1].flags; }
};

[[nodiscard]] TcpFlow::Words pack(const TcpFlow& flow) noexcept;
/// Any words whatever are safe.
[[nodiscard]] TcpFlow unpack(const TcpFlow::Words& words) noexcept;

}  // namespace bulkhead::tracking