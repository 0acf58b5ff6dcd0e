// services/pktio/loop_files.h: capture files on the process's io_uring loop: reads and writes that stall nobody.
//
// Who     pktio's main; see async_file.h and writer.h for what they promise.
// Owner   the descriptor stays the caller's. Destruction cancels what is under way and waits until the kernel has let
//         go of the buffer.
#pragma once

#include "ipc/runtime/loop.h"
#include "services/pktio/in/async_file.h"
#include "services/pktio/out/writer.h"

namespace bulkhead::pktio {

class LoopFile : public AsyncFile {
 public:
  LoopFile(runtime::Loop& loop, int fd);
  void read(std::span<uint8_t> into, uint64_t offset, Completion done) override;
  int64_t read_now(std::span<uint8_t> into, uint64_t offset) override;

 private:
  int fd_;
  Completion done_;
  runtime::Operation operation_;
};

class LoopWriter : public FileWriter {
 public:
  LoopWriter(runtime::Loop& loop, int fd);
  void write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) override;

 private:
  int fd_;
  Completion done_;
  runtime::Operation operation_;
};

}  // namespace bulkhead::pktio
