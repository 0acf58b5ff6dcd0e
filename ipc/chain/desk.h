// ipc/chain/desk.h: the few words by which a service tells its neighbours and the keeper how it is doing.
//
// Who     the service writes its own desk; neighbours read heads and asleep, the keeper everything.
// Sleep   consumer: set asleep, full fence, look at its rings again, then sleep on its bell.
//         producer: publish the tail, full fence, read asleep, ring the bell.
// Trust   a wrong head is found by Outlet::room(); a wrong asleep costs a wake-up or is a hang,
//         which the heartbeat shows.
// Crash   a successor begins awake, publishes its heads again and rings all its neighbours.
#pragma once

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::chain {

inline constexpr unsigned kMaxRings = 4;  // that a service reads, and that it writes

struct Desk {
  static constexpr memory::Layout kLayout = memory::Layout::desk;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(Desk); }

  struct alignas(64) Line {
    memory::Word<uint64_t> value;
  };

  memory::ObjectHeader header;
  Line heads[kMaxRings];                 // in the order in which the service opens its inlets
  alignas(64) memory::Word<uint32_t> asleep;     // 1: waits for its bell
  alignas(64) memory::Word<uint64_t> heartbeat;  // counts up while the service's loop turns
  memory::Word<uint64_t> ready;                  // pid of the process that has recovered and runs; 0: none yet
  memory::Word<uint64_t> batches;                // committed, for people
  memory::Word<uint64_t> sleeps;                 // times it went to sleep, for people
  memory::Word<uint64_t> bells;                  // it rang, for people
  memory::Word<uint64_t> corrupt;                // impossible heads, tails or descriptors seen from neighbours
};

}  // namespace bulkhead::chain