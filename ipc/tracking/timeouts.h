// ipc/tracking/timeouts.h: the kernel's default time-outs.
//
// Units   nanoseconds of the packet clock.
// Source  nf_conntrack_proto_{tcp,udp,icmp,icmpv6,gre,generic}.c.
#pragma once

#include <cstdint>

namespace bulkhead::tracking {

inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kUdpUnreplied = 30 * kSecond;
inline constexpr uint64_t kUdpStream = 120 * kSecond;
inline constexpr uint64_t kUdpStreamAge = 2 * kSecond;  // a flow younger than this is no stream yet
inline constexpr uint64_t kIcmp = 30 * kSecond;
inline constexpr uint64_t kGreUnreplied = 30 * kSecond;
inline constexpr uint64_t kGreStream = 180 * kSecond;
inline constexpr uint64_t kTcpUnacknowledged = 300 * kSecond;
inline constexpr uint64_t kTcpRetransmitted = 300 * kSecond;
inline constexpr uint64_t kGeneric = 600 * kSecond;

}  // namespace bulkhead::tracking