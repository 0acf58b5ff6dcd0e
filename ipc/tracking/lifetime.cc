#include "ipc/tracking/lifetime.h"

namespace bulkhead::tracking {

Lifetime lifetime(uint8_t protocol, uint32_t status, uint64_t age_ns, const Timeouts& timeouts) noexcept {
  bool const answered = (status & state::Status32::seen_reply) != 0;
  switch (protocol) {
    case packet::protocol::udp: return answered && age_ns > kUdpStreamAge ? Lifetime{timeouts.udp_stream, true} : Lifetime{timeouts.udp_unreplied};
    case packet::protocol::udplite: return answered ? Lifetime{kUdpStream, true} : Lifetime{kUdpUnreplied};  // however young
    case packet::protocol::icmp:
    case packet::protocol::icmpv6: return {kIcmp};
    case packet::protocol::gre: return answered ? Lifetime{kGreStream, true} : Lifetime{kGreUnreplied};
    default: return {kGeneric};
  }
}

}  // namespace bulkhead::tracking