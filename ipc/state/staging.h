// ipc/state/staging.h: bytes of output files on their way from a committed batch to the disk.
//
// Who     pktio alone: it appends while a batch is made, and writes committed bytes out through its loop.
// Units   each file has `capacity` bytes, a power of two; byte b of the file lies at b % capacity.
// Owner   bytes from PktioState::Output::written to staged are kept until the write is reported.
// Crash   what was appended beyond `staged` never happened. A successor writes from `written` again: the same
//         bytes to the same place in the file, so a write that its predecessor had begun does no harm.
#pragma once

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"
#include "ipc/state/pktio_state.h"

namespace bulkhead::state {

struct Staging {
  static constexpr memory::Layout kLayout = memory::Layout::staging;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t per_file) { return sizeof(Staging) + control::kMaxOutputs * per_file; }

  memory::ObjectHeader header;  // capacity: bytes of each file

  [[nodiscard]] uint8_t* file(size_t output) {
    return reinterpret_cast<uint8_t*>(this + 1) + output * header.capacity;
  }
};

}  // namespace bulkhead::state