// services/pktio/in/stamps.h: times of captures, which may be of any year.
//
// Units   a stamp is nanoseconds since 1970 (UTC) as a signed number in two's complement; before that it is negative.
// Range   seconds that no such number holds (before 1677, after 2262) keep their lower 32 bits, which is all that a pcap file has.
#pragma once

#include <cstdint>

namespace bulkhead::pktio {

inline constexpr int64_t kStampSecond = 1'000'000'000;  // ns

/// `part_ns`: any number; whole seconds in it are carried.
[[nodiscard]] constexpr uint64_t stamp_of_seconds(int64_t seconds, int64_t part_ns) noexcept {
  constexpr int64_t most = INT64_MAX / kStampSecond - 1, all_bits = int64_t{1} << 32;
  auto const wrapped = static_cast<uint64_t>(seconds);
  int64_t carried = part_ns / kStampSecond, part = part_ns % kStampSecond;
  if (part < 0) {
    part += kStampSecond;
    --carried;
  }
  seconds = static_cast<int64_t>(wrapped + static_cast<uint64_t>(carried));
  if (seconds > most || seconds < -most) seconds = (seconds & (all_bits - 1)) + (seconds > 0 ? all_bits : -all_bits);
  return static_cast<uint64_t>(seconds * kStampSecond + part);
}

/// Of the packet clock, which does not know of years before 1970.
[[nodiscard]] constexpr uint64_t clock_of(uint64_t stamp_ns) noexcept { return static_cast<int64_t>(stamp_ns) < 0 ? 0 : stamp_ns; }
[[nodiscard]] constexpr bool is_earlier(uint64_t stamp_ns, uint64_t other_ns) noexcept {
  return static_cast<int64_t>(stamp_ns) < static_cast<int64_t>(other_ns);
}

/// if_tsresol of pcapng: how many units a second has; a negative power of 10, or with the high bit of 2.
[[nodiscard]] constexpr uint64_t units_of(uint8_t resolution) noexcept {
  unsigned const power = resolution & 0x7f;
  if ((resolution & 0x80) != 0) return uint64_t{1} << (power < 63 ? power : 63);
  uint64_t units = 1;
  for (unsigned i = 0; i < power && i < 19; ++i) units *= 10;
  return units;
}

}  // namespace bulkhead::pktio
