// common/packet/ip_header.h: what is read and changed in an IP header of either version, once its place is known.
//
// Units   bytes from the first of the header.
// Trust   version() looks before it reads; the others want a header that version() has found whole.
// Source  RFC 791 3.1, RFC 8200 3; Linux ip_decrease_ttl.
#pragma once

#include <span>

#include "common/base/address.h"
#include "common/packet/internet_checksum.h"

namespace bulkhead::packet::ip_header {

inline constexpr size_t kIpv4 = 20, kIpv6 = 40;  // without options and extension headers
inline constexpr uint32_t kFragment6 = 8;        // IPv6's fragment header

/// 4 or 6, where the whole fixed header is there; 0: it is neither.
[[nodiscard]] inline uint8_t version(std::span<const uint8_t> packet) noexcept {
  if (packet.empty()) return 0;
  uint8_t const says = packet[0] >> 4;
  return (says == 4 && packet.size() >= kIpv4) || (says == 6 && packet.size() >= kIpv6) ? says : uint8_t{0};
}

/// Bytes of the header, by its first one: IPv4's with options, IPv6's without extension headers.
[[nodiscard]] constexpr size_t length(uint8_t first) noexcept { return first >> 4 == 4 ? (first & 15U) * size_t{4} : kIpv6; }

[[nodiscard]] inline IpAddress address_at(const uint8_t* bytes, uint8_t l3) noexcept {
  IpAddress address;
  address.l3 = l3;
  std::memcpy(address.bytes.data(), bytes, address.size());
  return address;
}
[[nodiscard]] inline IpAddress source(const uint8_t* ip, uint8_t l3) noexcept {
  return address_at(ip + (l3 == 4 ? 12 : 8), l3);
}
[[nodiscard]] inline IpAddress destination(const uint8_t* ip, uint8_t l3) noexcept {
  return address_at(ip + (l3 == 4 ? 16 : 24), l3);
}

/// IPv4: any fragment but the first.
[[nodiscard]] inline bool is_later_fragment(const uint8_t* ip) noexcept {
  return ip[0] >> 4 == 4 && (load_be16(ip + 6) & 0x1fff) != 0;
}

/// `header`: IPv4's, with its options. Its checksum anew.
inline void renew_checksum(std::span<uint8_t> header) noexcept {
  store_be16(header.data() + 10, 0);
  store_raw(header.data() + 10, checksum_fold(checksum_add(header)));
}

/// One hop less, and IPv4's checksum changed by that.
inline void pass_hop(uint8_t* ip) noexcept {
  if (ip[0] >> 4 == 6) {
    --ip[7];
    return;
  }
  auto const before = load_raw<uint16_t>(ip + 8);
  --ip[8];
  store_raw(ip + 10, checksum_changed(load_raw<uint16_t>(ip + 10), before, load_raw<uint16_t>(ip + 8)));
}

}  // namespace bulkhead::packet::ip_header
