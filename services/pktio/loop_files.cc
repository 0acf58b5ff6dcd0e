#include "services/pktio/loop_files.h"

#include <utility>

namespace bulkhead::pktio {

LoopFile::LoopFile(runtime::Loop& loop, int fd)
    : fd_(fd), operation_(loop, [this](int result) { std::exchange(done_, {})(result); }) {}

void LoopFile::read(std::span<uint8_t> into, uint64_t offset, Completion done) {
  done_ = std::move(done);
  operation_.read(fd_, std::as_writable_bytes(into), offset);
}

int64_t LoopFile::read_now(std::span<uint8_t> into, uint64_t offset) {
  return PreadFile(fd_).read_now(into, offset);
}

LoopWriter::LoopWriter(runtime::Loop& loop, int fd)
    : fd_(fd), operation_(loop, [this](int result) { std::exchange(done_, {})(result); }) {}

void LoopWriter::write(std::span<const uint8_t> bytes, uint64_t offset, Completion done) {
  done_ = std::move(done);
  operation_.write(fd_, std::as_bytes(bytes), offset);
}

}  // namespace bulkhead::pktio
