// ipc/state/answers.h: what the firewall itself says about a packet: ICMP errors, TCP resets.
//
// Who     rules writes the slot of a packet that it answers (Orders::answered); pktio's home reads it, builds the packet
//         out of the one that is answered, and sends it right behind.
// Order   host order; addresses as in a packet.
// Owner   a slot for each number (ipc/memory/slots.h).
// Trust   home copies the slot and checks what it uses: it cannot be more than a wrong answer.
#pragma once

#include "common/base/address.h"
#include "common/packet/nat_rewrite.h"
#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct alignas(64) Answer {
  enum class Kind : uint32_t { none, icmp, tcp_reset };

  uint64_t number;    // of the packet
  uint32_t info;      // last four bytes of the ICMP header: 0, or an MTU
  Kind kind;
  uint16_t out;       // interface
  uint16_t way;       // number of the way (common/base/topology.h)
  uint8_t type, code;
  IpAddress source;   // its destination is the packet's source; tcp_reset: the packet's destination
  packet::Rewriting what;     // done to all of it in the end: as the flow that it is related to is translated
  uint8_t options_length;     // of what its IPv4 header has of the packet's options; a multiple of 4
  std::array<uint8_t, 40> options;
};
static_assert(sizeof(Answer) == 192);

using Answers = memory::Slots<Answer, memory::Layout::answers>;

}  // namespace bulkhead::state