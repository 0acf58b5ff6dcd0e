// services/pktio/out/writer.h: committed bytes of the output files, from staging to the disk.
//
// Who     pktio; the file itself is a FileWriter: io_uring in the process, a disk of its own in the simulator.
// Order   one write a file under way; bytes from `written` to what is committed, never beyond. `written` moves
//         when a write has been reported.
// Crash   see ipc/state/staging.h: a successor writes the same bytes to the same place again.
// Full    a write that fails is the end of the replay: error(), with the file's name put before it by the caller.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "ipc/state/staging.h"

namespace bulkhead::pktio {

class FileWriter {
 public:
  using Completion = std::function<void(int64_t result)>;
  FileWriter() = default;
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  virtual ~FileWriter() = default;
  /// Result: bytes written, at least 1, or -errno. `bytes` stay as they are until then.
  virtual void write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) = 0;
};

class Writer {
 public:
  Writer(state::Staging& staging, state::PktioState& state, std::vector<std::unique_ptr<FileWriter>> files);

  /// What is committed and waits: written if there is enough of it, or if `all`. `staged`: by output.
  void start(std::span<const uint64_t> staged, bool all);
  /// Bytes that may still be appended to an output of which `staged` are there.
  [[nodiscard]] uint64_t room(size_t output, uint64_t staged) const;
  [[nodiscard]] bool all_written(std::span<const uint64_t> staged) const;
  [[nodiscard]] size_t size() const { return files_.size(); }
  /// -errno of the first write that failed, and of which output; 0: none.
  [[nodiscard]] int failed() const { return failed_; }
  [[nodiscard]] size_t failed_output() const { return failed_output_; }

 private:
  static constexpr uint64_t kEnough = 512 << 10;

  struct File {
    std::unique_ptr<FileWriter> file;
    bool busy = false;
  };
  void written(size_t output, int64_t result);

  state::Staging& staging_;
  state::PktioState& state_;
  std::vector<File> files_;
  int failed_ = 0;
  size_t failed_output_ = 0;
};

}  // namespace bulkhead::pktio
