// ipc/tracking/tcp_window.h: does a segment lie in the window, and what follows from it for both sides?
//
// Source  tcp_in_window() of nf_conntrack_proto_tcp.c (6.18), after Guido van Rooij, Real Stateful TCP Packet
//         Filtering in IP Filter. Four bounds, of which the segment's start, not its end, meets the upper one.
#pragma once

#include "common/packet/tcp_facts.h"
#include "ipc/tracking/tcp_flow.h"

namespace bulkhead::tracking {

/// A segment on its way through a connection.
struct TcpSegment {
  packet::TcpFacts facts;
  uint8_t flags;    // 14th byte of the header
  uint32_t length;  // of the TCP header and what is behind it, bytes
  chain::Direction way;

  [[nodiscard]] bool syn() const noexcept { return (flags & 0x02) != 0; }
  [[nodiscard]] bool fin() const noexcept { return (flags & 0x01) != 0; }
  [[nodiscard]] bool rst() const noexcept { return (flags & 0x04) != 0; }
  [[nodiscard]] bool ack() const noexcept { return (flags & 0x10) != 0; }
  [[nodiscard]] TcpKind kind() const noexcept { return kind_of(flags); }
  /// The sequence number behind it.
  [[nodiscard]] uint32_t end() const noexcept {
    return facts.seq + length - facts.header_bytes + (syn() ? 1 : 0) + (fin() ? 1 : 0);
  }
};

enum class InWindow : uint8_t {
  accept,
  ignore,   // it passes as the flow's and changes nothing more
  invalid,  // it does not belong here
};
[[nodiscard]] InWindow in_window(TcpFlow& flow, const TcpSegment& segment) noexcept;

/// What a SYN's options say of its sender. Without any option what was known stays.
void take_options(TcpSide& sender, const packet::TcpFacts& facts) noexcept;

}  // namespace bulkhead::tracking