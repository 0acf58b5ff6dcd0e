// common/packet/checksum.h: is a packet's transport checksum right, as far as the kernel asks?
//
// Who     pktio, once a packet, with its bytes in the cache.
// Units   offsets and lengths: bytes.
// Cost    32 bytes a step, in sums that do not wait for each other: 15 ns for 30 bytes, 50 ns for 1,480;
//         SCTP: 8 bytes a step, 1,000 ns for 1,480.
// Trust   any bytes that parse() calls shape ip or malformed are safe.
// Source  RFC 1071, 768, 3828, 9260 6.8 and appendix A; Linux: nf_checksum(), nf_checksum_partial(), {tcp,udp,
//         udplite,sctp}_error(), ip_rcv_core().
#pragma once

#include <span>

#include "common/packet/packet.h"

namespace bulkhead::packet {

enum class Checksum : uint8_t {
  good,
  none,     // there is none to verify: UDP with 0, a protocol without, or a packet that the capture cut short
  partial,  // the bare sum of the pseudo-header: captured before the sender's card did the rest
  bad,
};

/// Of an IPv4 packet whose header was captured, whatever stands behind it.
[[nodiscard]] bool ipv4_header_good(std::span<const uint8_t> captured, const Headers& headers) noexcept;

/// Of a packet of shape ip.
[[nodiscard]] Checksum verify_checksum(std::span<const uint8_t> captured, const Headers& headers) noexcept;

/// Ones' complement sum of 16 bits in network order on top of `sum`, not complemented.
[[nodiscard]] uint16_t internet_sum(std::span<const uint8_t> bytes, uint64_t sum = 0) noexcept;

/// CRC32c as SCTP wants it, of a packet whose checksum field is taken for zeros. At least 12 bytes.
[[nodiscard]] uint32_t sctp_checksum(std::span<const uint8_t> packet) noexcept;

}  // namespace bulkhead::packet