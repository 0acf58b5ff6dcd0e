// services/pktio/in/prefetch.h: a file read ahead into a ring of memory, taken out in order.
//
// Who     PcapSource: libpcap takes bytes, peek() asks whether enough are there.
// Units   offsets and lengths: bytes. The byte at file offset o lies at o modulo `capacity`.
//         position_ <= fetched_ but after a take() that went past what was fetched; then the gap is never
//         fetched.
// Order   one read under way at a time, of at most `chunk` bytes, up to a chunk boundary of the file.
// Errors  take() gives -errno of a read that failed, once everything before it has been taken.
// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "services/pktio/in/async_file.h"

namespace bulkhead::pktio {

class Prefetch {
 public:
  static constexpr uint64_t chunk = uint64_t{256} * 1024, capacity = 8 * chunk;

  explicit Prefetch(std::unique_ptr<AsyncFile> file);

  /// From `offset` on. Not while a read is under way.
  void seek(uint64_t offset);
  /// Starts a read if there is room for it and none is under way.
  void fill();
  /// Reads the next chunk and waits for it. Not while a read is under way; needs room (less than 7 chunks
  /// buffered).
  void fill_now();
  /// True if `wanted` bytes from position() on, or all up to the end of the file, can be taken without
  /// blocking.
  [[nodiscard]] bool has(uint64_t wanted) const { return finished_ || buffered() >= wanted; }
  /// Copies bytes out; blocks for those that are not there. Less than into.size() only at the end of the
  /// file. -errno if nothing could be read.
  int64_t take(std::span<uint8_t> into);
  /// Of the next byte to be taken.
  [[nodiscard]] uint64_t position() const { return position_; }
  [[nodiscard]] std::string_view fault() const { return file_->fault(); }

 private:
  [[nodiscard]] uint64_t buffered() const { return fetched_ > position_ ? fetched_ - position_ : 0; }
  void arrived(int64_t result);
  void completed(int64_t result);
  int64_t take_blocking(std::span<uint8_t> into);

  std::unique_ptr<uint8_t[]> ring_;
  std::unique_ptr<AsyncFile> file_;  // destroyed before ring_, into which it reads
  uint64_t position_ = 0;            // of the next byte to be taken
  uint64_t fetched_ = 0;             // behind the last byte in the ring
  bool under_way_ = false;
  bool finished_ = false;  // end of file or an error at fetched_
};

}  // namespace bulkhead::pktio
