// common/packet/internet_checksum.h: the Internet checksum, and how it changes with a word.
//
// Order   sums are of words as they lie in memory; a finished checksum is stored as it is (store_raw).
// Source  RFC 1071, RFC 1624 (equation 3).
#pragma once

#include <cstdint>
#include <span>

#include "common/base/bytes.h"

namespace bulkhead::packet {

/// Ones' complement sum, not folded, on top of `sum`. An odd last byte is padded; only the last piece may be odd.
[[nodiscard]] inline uint64_t checksum_add(std::span<const uint8_t> bytes, uint64_t sum = 0) noexcept {
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) sum += load_raw<uint32_t>(bytes.data() + at);
  if (at + 2 <= bytes.size()) {
    sum += load_raw<uint16_t>(bytes.data() + at);
    at += 2;
  }
  if (at < bytes.size()) sum += to_network(static_cast<uint16_t>(bytes[at] << 8));
  return sum;
}

[[nodiscard]] inline uint16_t checksum_fold(uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

/// `checksum` after a word of what it covers went from `before` to `after`; all three as they lie in the packet.
[[nodiscard]] inline uint16_t checksum_changed(uint16_t checksum, uint16_t before, uint16_t after) noexcept {
  return checksum_fold(uint64_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~before) + after);
}
/// The same of as many words as there are in `before`, an even number of bytes; `after`: at least as many.
[[nodiscard]] inline uint16_t checksum_changed(uint16_t checksum, std::span<const uint8_t> before, std::span<const uint8_t> after) noexcept {
  uint64_t sum = static_cast<uint16_t>(~checksum);
  for (size_t i = 0; i + 2 <= before.size(); i += 2)
    sum += uint64_t{static_cast<uint16_t>(~load_raw<uint16_t>(before.data() + i))} + load_raw<uint16_t>(after.data() + i);
  return checksum_fold(sum);
}

}  // namespace bulkhead::packet