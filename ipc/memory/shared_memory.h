// ipc/memory/shared_memory.h: memfds, and their mappings.
//
// Who     the keeper makes memory, and whoever starts a holder the settings; everyone maps it.
// Owner   a Mapping unmaps itself; descriptors are kj::AutoCloseFd. A mapping outlives its descriptor.
// Walls   a memfd is made with mode 0600 and sealed against change of size and of
//         seals; who may only read gets another open file, read-only, so that mmap and
//         mprotect for writing fail. Opening that one anew for writing through /proc
//         fails too for other users than the maker (not for the same user, nor for
//         root).
// Errors  say the object's name. A memory of another size than promised, or that could shrink, is refused.
#pragma once

#include <kj/io.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "common/base/result.h"
#include "ipc/memory/right.h"

namespace bulkhead::memory {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  [[nodiscard]] static Result<Mapping> make(std::string_view name, int fd, uint64_t bytes, Right right);
  /// Writing there without Right::write is a fault.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

/// Zeroed memory of a fixed size.
[[nodiscard]] Result<kj::AutoCloseFd> create_memory(std::string_view name, uint64_t bytes);
/// Memory that holds `content` and will never change, behind a read-only descriptor.
[[nodiscard]] Result<kj::AutoCloseFd> create_constant(std::string_view name,
                                                      std::span<const std::byte> content);
/// The same memory behind a read-only descriptor.
[[nodiscard]] Result<kj::AutoCloseFd> reopen_read_only(std::string_view name, int fd);
/// Of a memory that cannot shrink.
[[nodiscard]] Result<uint64_t> memory_size(std::string_view name, int fd);

[[nodiscard]] Result<kj::AutoCloseFd> duplicate(std::string_view name, int fd);

}  // namespace bulkhead::memory