// common/base/address.h: IP addresses, prefixes and MAC addresses as values, to and from text.
//
// Order   bytes as in a packet. An IPv4 address has the first 4, the rest zero, as in Tuple.
// Errors  parse_*(): the text, and what was wanted.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace bulkhead {

using Mac = std::array<uint8_t, 6>;

struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  uint8_t l3 = 0;  // 4 or 6; 0: none

  [[nodiscard]] bool is_none() const noexcept { return l3 == 0; }
  [[nodiscard]] size_t size() const noexcept { return l3 == 4 ? 4 : 16; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// An address with a length; bits beyond it may be set (10.0.0.1/24, an interface's address) until network().
struct Prefix {
  IpAddress address;
  uint8_t length = 0;

  [[nodiscard]] Prefix network() const noexcept;
  [[nodiscard]] bool contains(const IpAddress& one) const noexcept;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

[[nodiscard]] inline bool bit_of(const IpAddress& address, unsigned bit) noexcept {
  return (address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

[[nodiscard]] Result<IpAddress> parse_address(std::string_view text);
/// Without a length: that of the whole address. `default`: of either family, by `l3` 4 or 6; 0: IPv4.
[[nodiscard]] Result<Prefix> parse_prefix(std::string_view text);
[[nodiscard]] Result<Mac> parse_mac(std::string_view text);
[[nodiscard]] std::string text_of(const IpAddress& address);
[[nodiscard]] std::string text_of(const Prefix& prefix);
[[nodiscard]] std::string text_of(const Mac& mac);

}  // namespace bulkhead
