// ipc/memory/slots.h: one slot for each number in the chain, for what does not fit its descriptor.
//
// Who     one service writes a slot for a packet that needs it; those behind it read that slot.
// Owner   number n has slot n % window. It is written before the batch that passes n on is committed, and not again
//         before n + window is there, which pktio sends only once n is home: nothing of it needs a journal.
// Trust   a reader copies the slot, compares its number with the descriptor's, and checks what it uses.
#pragma once

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::memory {

template <class Slot, Layout layout>
struct Slots {
  static constexpr Layout kLayout = layout;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t window) { return sizeof(Slots) + window * sizeof(Slot); }

  ObjectHeader header;  // capacity: slots, a power of two

  [[nodiscard]] Slot& slot(uint64_t number, uint64_t window) {
    return reinterpret_cast<Slot*>(this + 1)[number & (window - 1)];
  }
  [[nodiscard]] const Slot& slot(uint64_t number, uint64_t window) const {
    return reinterpret_cast<const Slot*>(this + 1)[number & (window - 1)];
  }
};

}  // namespace bulkhead::memory