// common/base/bytes.h: whole numbers in bytes of a packet or a file.
//
// Units   load_*: from `from`, which may be unaligned; store_*: to `to`. The caller has checked the room.
//         be = network order (most significant byte first), le = least significant first.
//         "network order" values in structs (Tuple::src_port) are what lies in the packet, read as it is:
//         to_network / from_network turn them into numbers.
// Thread  pure functions.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace bulkhead {

namespace detail {
constexpr uint16_t swap(uint16_t value) noexcept { return __builtin_bswap16(value); }
constexpr uint32_t swap(uint32_t value) noexcept { return __builtin_bswap32(value); }
constexpr uint64_t swap(uint64_t value) noexcept { return __builtin_bswap64(value); }
}  // namespace detail

template <class T>
[[nodiscard]] constexpr T to_network(T value) noexcept {
  return std::endian::native == std::endian::little ? detail::swap(value) : value;
}
template <class T>
[[nodiscard]] constexpr T from_network(T value) noexcept {
  return to_network(value);
}

/// As the bytes lie, no change of order.
template <class T>
[[nodiscard]] inline T load_raw(const uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
[[nodiscard]] inline uint16_t load_be16(const uint8_t* from) noexcept {
  return from_network(load_raw<uint16_t>(from));
}
[[nodiscard]] inline uint32_t load_be32(const uint8_t* from) noexcept {
  return from_network(load_raw<uint32_t>(from));
}
[[nodiscard]] inline uint64_t load_be64(const uint8_t* from) noexcept {
  return from_network(load_raw<uint64_t>(from));
}

template <class T>
inline void store_raw(uint8_t* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}
inline void store_be16(uint8_t* to, uint16_t value) noexcept { store_raw(to, to_network(value)); }
inline void store_be32(uint8_t* to, uint32_t value) noexcept { store_raw(to, to_network(value)); }
inline void store_be64(uint8_t* to, uint64_t value) noexcept { store_raw(to, to_network(value)); }

}  // namespace bulkhead
