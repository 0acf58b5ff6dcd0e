// services/pktio/in/async_file.h: reads of a regular file that do not hold up whoever asks.
//
// Who     PcapSource asks; pktio implements it on its io_uring loop, tests on pread or by hand (PreadFile,
//         HeldFile).
// Units   offsets, lengths: bytes. Results: bytes read (0: end of file; fewer than asked: ask again behind
//         them), or -errno. EINTR and EAGAIN are asked again by PcapSource.
// Owner   `into` belongs to the file from read() until the completion is called. The file's destructor
//         cancels or waits for a read under way: afterwards nothing writes into `into`, and the completion is
//         not called any more.
// Order   at most one read() under way at a time. Only positional reads: the descriptor's own offset is
//         shared with other processes and stays as it is.
// Thread  one; completions are called on it, within read() or later from the event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace bulkhead::pktio {

class AsyncFile {
 public:
  using Completion = std::function<void(int64_t result)>;

  AsyncFile() = default;
  AsyncFile(const AsyncFile&) = delete;
  AsyncFile& operator=(const AsyncFile&) = delete;
  virtual ~AsyncFile() = default;

  virtual void read(std::span<uint8_t> into, uint64_t offset, Completion done) = 0;

  /// Blocks. May be called while a read() is under way; `into` is another place then.
  virtual int64_t read_now(std::span<uint8_t> into, uint64_t offset) = 0;

  /// What a failed read means, where its number does not say that; empty: nothing more.
  [[nodiscard]] virtual std::string_view fault() const { return {}; }
};

/// pread on a descriptor that somebody else owns and keeps open; read() completes before it returns.
class PreadFile : public AsyncFile {
 public:
  explicit PreadFile(int fd) : fd_(fd) {}
  void read(std::span<uint8_t> into, uint64_t offset, Completion done) override {
    done(read_now(into, offset));
  }
  int64_t read_now(std::span<uint8_t> into, uint64_t offset) override;

 private:
  int fd_;
};

/// PreadFile whose read() is done only when complete() is called.
class HeldFile : public PreadFile {
 public:
  using PreadFile::PreadFile;
  void read(std::span<uint8_t> into, uint64_t offset, Completion done) override;
  [[nodiscard]] bool held() const { return static_cast<bool>(done_); }
  /// Reads at most `most` bytes of what was asked, and calls the completion. Needs held().
  void complete(uint64_t most = UINT64_MAX);
  /// Calls the completion with -error. Needs held().
  void complete_with_error(int error);

 private:
  std::span<uint8_t> into_;
  uint64_t offset_ = 0;
  Completion done_;
};

}  // namespace bulkhead::pktio
