// ipc/state/answer_packet.h: an Answer as a packet: what the firewall itself says about one that it refuses.
//
// Who     rules, to take it through output and postrouting; pktio, to send it. Both build the same bytes.
// Units   bytes, from the network header on.
// Trust   offsets are checked against the refused packet; 0 is given where there can be no answer.
// Source  RFC 792, RFC 4443; Linux icmp_send(), icmp6_send(), nf_send_reset(), nf_send_reset6().
#pragma once

#include <span>

#include "ipc/chain/descriptor.h"
#include "ipc/state/answers.h"

namespace bulkhead::state {

inline constexpr size_t kAnswerMost = 1280;  // ICMPv6's minimum MTU

/// `refused`: as it is quoted. `into`: kAnswerMost bytes. Gives how many it takes.
[[nodiscard]] size_t make_answer(const Answer& answer, const chain::Descriptor& descriptor, std::span<const uint8_t> refused,
                                 std::span<uint8_t> into) noexcept;

/// Bytes of its IP header.
[[nodiscard]] size_t header_length(const Answer& answer) noexcept;

}  // namespace bulkhead::state