// services/pktio/lanes/plain.h: packets that may go by the lane as far as their headers go, or bring their flow into it.
#pragma once

#include "ipc/chain/descriptor.h"

namespace bulkhead::pktio {

[[nodiscard]] inline bool is_lane_plain(const chain::Descriptor& descriptor) {
  constexpr uint8_t kAck = 0x10;  // of a TCP packet in the lane
  bool const tracked = descriptor.tuple.protocol == packet::protocol::udp ||
                       (descriptor.tuple.protocol == packet::protocol::tcp && chain::judged_flags(descriptor) == kAck);
  return chain::is_plain(descriptor) && descriptor.verdict == chain::Verdict::accept && tracked;
}

}  // namespace bulkhead::pktio
