// ipc/memory/word.h: a word, and a run of bytes, in shared memory. All access to shared memory goes through here.
//
// Who     any process; each field's comment names its one writer.
// Order   load() and store() are relaxed, keeping only this thread's program order for a successor to find:
//         program_order() keeps the compiler from moving stores across it, which is all that a death
//         between two instructions can tell. acquire() and release() order what another process sees.
// Trust   a Word may hold anything a peer wrote: copy it, check the copy, use the copy.
// Crash   a store is whole or not at all: 8 bytes at most, aligned. Bytes may be torn by a death; they count
//         only once a committed word says so (ipc/memory/commit.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ipc/memory/simulate.h"

namespace bulkhead::memory {

template <class T>
class Word {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  static_assert(std::atomic<T>::is_always_lock_free);

 public:
  [[nodiscard]] T load() const noexcept { return get(std::memory_order_relaxed); }
  [[nodiscard]] T acquire() const noexcept { return get(std::memory_order_acquire); }
  void store(T value) noexcept { put(value, std::memory_order_relaxed); }
  void release(T value) noexcept { put(value, std::memory_order_release); }

 private:
  [[nodiscard]] T get(std::memory_order order) const noexcept {
    simulate::access(simulate::Access::load);
    return value_.load(order);
  }
  void put(T value, std::memory_order order) noexcept {
    simulate::access(simulate::Access::store);
    value_.store(value, order);
  }
  std::atomic<T> value_;
};
static_assert(sizeof(Word<uint64_t>) == 8 && sizeof(Word<uint32_t>) == 4 && sizeof(Word<uint8_t>) == 1);

/// Stores before it happen before stores behind it, as this thread (and so its successor) counts.
inline void program_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

/// Pairs a store with a later load of another word, against a peer that does the same in the other order.
inline void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

/// Bytes into shared memory. In simulation a death can leave the first half.
inline void copy_in(void* shared, const void* from, size_t bytes) noexcept {
  simulate::access(simulate::Access::store);
  if constexpr (simulate::kSimulated) {
    std::memcpy(shared, from, bytes / 2);
    simulate::access(simulate::Access::store);
    std::memcpy(static_cast<char*>(shared) + bytes / 2, static_cast<const char*>(from) + bytes / 2,
                bytes - bytes / 2);
  } else {
    std::memcpy(shared, from, bytes);
  }
}

/// Bytes out of shared memory.
inline void copy_out(void* to, const void* shared, size_t bytes) noexcept {
  simulate::access(simulate::Access::load);
  std::memcpy(to, shared, bytes);
}

inline constexpr size_t kCacheLine = 64;

/// The cache lines of an object that begins with one.
template <bool to_write = false>
void prefetch(const void* at, size_t bytes) noexcept {
  for (size_t line = 0; line < bytes; line += kCacheLine) __builtin_prefetch(static_cast<const std::byte*>(at) + line, to_write ? 1 : 0);
}

}  // namespace bulkhead::memory