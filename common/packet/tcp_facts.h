// common/packet/tcp_facts.h: what tracking wants of a TCP header besides ports and flags.
//
// Who     pktio takes them, with the header in its cache; they go on in the descriptor; conntrack reads them.
// Order   host order.
// Trust   any header that parse() accepted is safe; options that the capture cut off are not there.
// Source  RFC 9293 3.1, 7323 2.2, 2018 3; Linux: tcp_options(), tcp_sack() in nf_conntrack_proto_tcp.c.
#pragma once

#include <span>

#include "common/packet/packet.h"

namespace bulkhead::packet {

struct TcpFacts {
  static constexpr uint8_t kScale = 0x0f, kHasScale = 0x10, kSackPermitted = 0x20;
  static constexpr uint8_t kMostScale = 14;

  uint32_t seq;
  uint32_t ack;
  uint32_t sack;         // the rightmost edge of a SACK block that is beyond ack; else ack
  uint16_t window;       // as the header has it
  uint8_t header_bytes;  // 20 to 60
  uint8_t options;       // of a SYN: the shift of its window scale, has it one, may SACK be used

  [[nodiscard]] uint8_t scale() const noexcept { return options & kScale; }
};
static_assert(sizeof(TcpFacts) == 16);

/// `headers`: of shape ip, TCP.
[[nodiscard]] TcpFacts tcp_facts(std::span<const uint8_t> captured, const Headers& headers) noexcept;

}  // namespace bulkhead::packet