// common/base/chance.h: numbers that nobody outside can foresee, and that are the same in every run of the same input.
//
// Same    a keyed function of (seed, purpose, sequence number): however often a process dies, the packet gets the same.
// Cost    SipHash-2-4, by libsodium.
#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace bulkhead {

class Chance {
 public:
  enum class Purpose : uint64_t { nat_port = 1, nat_port_again, numgen, set_hash, meta_random, hash_seed, fragment_id };

  explicit Chance(uint64_t seed) {
    std::array<uint64_t, 2> const words{seed, 0x65636e616863};  // "chance", so that it is not the hash's key
    crypto_generichash(key_.data(), key_.size(), reinterpret_cast<const uint8_t*>(words.data()), sizeof words, nullptr, 0);
  }
  [[nodiscard]] uint64_t operator()(Purpose purpose, uint64_t number, uint64_t more = 0) const noexcept {
    std::array<uint64_t, 3> const words{static_cast<uint64_t>(purpose), number, more};
    uint64_t value = 0;
    crypto_shorthash(reinterpret_cast<uint8_t*>(&value), reinterpret_cast<const uint8_t*>(words.data()), sizeof words,
                     key_.data());
    return value;
  }

 private:
  std::array<uint8_t, crypto_generichash_BYTES_MIN> key_{};
  static_assert(crypto_generichash_BYTES_MIN >= crypto_shorthash_KEYBYTES);
};

}  // namespace bulkhead
