// ipc/state/keeper_state.h: what outlives a keeper: object `keeper.state`.
//
// Who     the keeper writes; the holder reads the heartbeat, a successor everything.
// Units   times: nanoseconds of CLOCK_BOOTTIME.
// Crash   single words; a keeper that dies between two of them leaves a count of starts or a start
//         time that is one behind, which its successor mends when it adopts the process (watch.cc).
//         Nothing is decided by them but what people are shown and how long a failing service
//         waits.
#pragma once

#include <array>

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::state {

inline constexpr unsigned kMaxServices = 8;

struct KeeperState {
  static constexpr memory::Layout kLayout = memory::Layout::keeper_state;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(KeeperState); }

  struct alignas(64) Service {
    memory::Word<uint64_t> pid;
    memory::Word<uint64_t> starts;
    memory::Word<uint64_t> started_ns;      // the process with this pid
    memory::Word<uint64_t> unready_deaths;  // in a row, without ever becoming ready; those by its own exit count more
    memory::Word<uint64_t> crashes;         // in a row, soon after becoming ready, and not by SIGKILL
  };

  memory::ObjectHeader header;
  alignas(64) memory::Word<uint64_t> heartbeat;
  memory::Word<uint64_t> pid;                          // of the keeper that runs; 0: none has come so far yet
  memory::Word<uint64_t> starts;                       // of keepers
  memory::Word<uint64_t> started_ns;                   // the instance
  std::array<Service, kMaxServices> services;  // by place in kServices
};

}  // namespace bulkhead::state