// ipc/chain/pool.h: the cells in which packets lie while they are in the chain.
//
// Who     pktio fills a cell before its descriptor is sent; nat writes what a rewrite asks for; others read.
// Units   cells are addressed by their distance from the object's start in cache lines.
// Owner   packet n has small cell n % window, so there is no list of free ones; a packet that does not fit has
//         the next of the large ones, which go round in the same order, since packets come home in order.
//         A cell is used again once its packet's homecoming is committed.
// Size    a small cell is 33 cache lines, an odd number, so that the first lines of cells spread over the sets
//         of a cache instead of meeting in a few.
// Trust   frame() checks an address and a length that came from elsewhere.
#pragma once

#include <cstdint>

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::chain {

struct Pool {
  static constexpr memory::Layout kLayout = memory::Layout::pool;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t kSmallLines = 33, kSmallBytes = kSmallLines * memory::kCacheLine;
  static constexpr size_t kLargeBytes = 262144;  // libpcap's largest packet
  static constexpr size_t kLargeLines = kLargeBytes / memory::kCacheLine + 1;
  static constexpr size_t kLargeCells = 32;
  static constexpr size_t bytes_for(uint64_t window) {
    return sizeof(Pool) + window * kSmallBytes + kLargeCells * kLargeLines * memory::kCacheLine;
  }

  memory::ObjectHeader header;  // capacity: small cells

  [[nodiscard]] static uint32_t small_cell(uint64_t number, uint64_t window) {
    return static_cast<uint32_t>(1 + (number & (window - 1)) * kSmallLines);
  }
  [[nodiscard]] static uint32_t large_cell(uint64_t turn, uint64_t window) {
    return static_cast<uint32_t>(1 + window * kSmallLines + turn % kLargeCells * kLargeLines);
  }
  [[nodiscard]] uint8_t* at(uint32_t frame) { return reinterpret_cast<uint8_t*>(this) + frame * memory::kCacheLine; }
  [[nodiscard]] const uint8_t* at(uint32_t frame) const {
    return reinterpret_cast<const uint8_t*>(this) + frame * memory::kCacheLine;
  }
  /// Null if `bytes` at `frame` are not within the pool. `pool_bytes`: as the reader mapped it.
  [[nodiscard]] const uint8_t* frame(uint32_t frame, uint32_t bytes, size_t pool_bytes) const {
    uint64_t const first = uint64_t{frame} * memory::kCacheLine;
    return frame != 0 && first + bytes <= pool_bytes ? at(frame) : nullptr;
  }
};
static_assert(sizeof(Pool) == memory::kCacheLine && Pool::kSmallLines % 2 == 1);

}  // namespace bulkhead::chain