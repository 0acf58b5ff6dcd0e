#include "ipc/tracking/lifetime.h"

#include "ipc/tracking/timeouts.h"

namespace bulkhead::conntrack {

Lifetime lifetime(uint8_t protocol, uint32_t status, uint64_t age_ns) noexcept {
  bool const answered = (status & Status32::seen_reply) != 0;
  switch (protocol) {
    case protocol::udp: return answered && age_ns > kUdpStreamAge ? Lifetime{kUdpStream, true} : Lifetime{kUdpUnreplied};
    case protocol::udplite: return answered ? Lifetime{kUdpStream, true} : Lifetime{kUdpUnreplied};  // however young
    case protocol::icmp:
    case protocol::icmpv6: return {kIcmp};
    case protocol::gre: return answered ? Lifetime{kGreStream, true} : Lifetime{kGreUnreplied};
    default: return {kGeneric};
  }
}

}  // namespace bulkhead::conntrack
