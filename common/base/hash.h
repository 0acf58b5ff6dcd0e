// common/base/hash.h: a keyed hash that a sender of packets cannot aim at.
//
// Same    for both directions of a flow without NAT: one search ends in the same cache line as the other.
// Cost    SipHash-2-4, by libsodium: about 20 ns for an IPv4 tuple, 35 ns for IPv6.
// Source  Aumasson and Bernstein, SipHash: a fast short-input PRF.
#pragma once

#include <sodium.h>

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/packet/packet.h"

namespace bulkhead {

class TupleHash {
 public:
  explicit TupleHash(uint64_t seed) {
    std::array<uint8_t, crypto_generichash_BYTES> digest;
    crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const uint8_t*>(&seed), sizeof seed,
                       nullptr, 0);
    std::memcpy(key_.data(), digest.data(), key_.size());
  }

  [[nodiscard]] uint64_t operator()(const packet::Tuple& tuple) const noexcept {
    return tuple.l3 == 4 ? hash4(tuple) : hash6(tuple);
  }

 private:
  /// Ports that count; for ICMP its identifier on both sides, since type and code differ by direction.
  static uint16_t port(const packet::Tuple& tuple, bool source) noexcept {
    return source || tuple.is_icmp() ? tuple.src_port : tuple.dst_port;
  }
  template <class Words>
  [[nodiscard]] uint64_t hash(const Words& words) const noexcept {
    uint64_t hash = 0;
    crypto_shorthash(reinterpret_cast<uint8_t*>(&hash), reinterpret_cast<const uint8_t*>(words.data()), sizeof words,
                     key_.data());
    return hash;
  }
  static uint64_t rest(const packet::Tuple& tuple) noexcept {
    return uint64_t{tuple.zone} << 16 | uint64_t{tuple.protocol} << 8 | tuple.l3;
  }

  [[nodiscard]] uint64_t hash4(const packet::Tuple& tuple) const noexcept {
    uint32_t src = 0, dst = 0;
    std::memcpy(&src, tuple.src.data(), 4);
    std::memcpy(&dst, tuple.dst.data(), 4);
    uint64_t low = uint64_t{port(tuple, true)} << 32 | src, high = uint64_t{port(tuple, false)} << 32 | dst;
    if (low > high) std::swap(low, high);
    uint64_t const more = rest(tuple);
    return hash(std::array<uint64_t, 2>{low | (more & 0xffff) << 48, high | more >> 16 << 48});
  }

  [[nodiscard]] uint64_t hash6(const packet::Tuple& tuple) const noexcept {
    struct End {
      std::array<uint64_t, 2> address;
      uint64_t port;
      auto operator<=>(const End&) const = default;
    };
    End low{std::bit_cast<std::array<uint64_t, 2>>(tuple.src), port(tuple, true)};
    End high{std::bit_cast<std::array<uint64_t, 2>>(tuple.dst), port(tuple, false)};
    if (low > high) std::swap(low, high);
    return hash(std::array<uint64_t, 5>{low.address[0], low.address[1], high.address[0], high.address[1],
                                        low.port << 48 | high.port << 32 | rest(tuple)});
  }

  std::array<uint8_t, crypto_shorthash_KEYBYTES> key_{};
};

}  // namespace bulkhead
