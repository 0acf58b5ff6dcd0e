// common/packet/icmp.h: numbers of ICMP and ICMPv6 messages, and which of them are errors.
//
// Source  RFC 792, 1122 3.2.2, 1812 4.3, 4443; IANA.
#pragma once

#include <cstdint>

namespace bulkhead::packet {

namespace icmp {
inline constexpr uint8_t echo_reply = 0, unreachable = 3, source_quench = 4, redirect = 5, echo = 8, time_exceeded = 11,
                         parameter_problem = 12, last = 18;
inline constexpr uint8_t net_unreachable = 0, host_unreachable = 1, fragmentation_needed = 4;  // codes of unreachable
/// Types that must not be answered with an error: errors, and those that nobody knows.
[[nodiscard]] constexpr bool is_error(uint8_t type) noexcept {
  constexpr uint32_t errors = 1U << unreachable | 1U << source_quench | 1U << redirect | 1U << time_exceeded | 1U << parameter_problem;
  constexpr uint32_t unknown = 1U << 1 | 1U << 2 | 1U << 6 | 1U << 7 | 1U << 9 | 1U << 10;  // to Linux' icmp_pointers
  return type > last || ((errors | unknown) >> type & 1) != 0;
}
}  // namespace icmp

namespace icmpv6 {
inline constexpr uint8_t unreachable = 1, packet_too_big = 2, time_exceeded = 3, parameter_problem = 4;
inline constexpr uint8_t no_route = 0, beyond_scope = 2;  // codes of unreachable
[[nodiscard]] constexpr bool is_error(uint8_t type) noexcept { return type < 128; }
}  // namespace icmpv6

}  // namespace bulkhead::packet