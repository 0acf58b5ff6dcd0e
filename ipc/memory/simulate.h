// ipc/memory/simulate.h: where the simulator stands between a stage and shared memory.
//
// Who     the types of this folder call point() before each access to shared memory. In programs that
//         run for real kSimulated is false and nothing of this is compiled in.
// Tests   tests/simulation defines the functions: point() may switch to another stage's fibre, or never
//         return, because the process has been killed. planted() turns on a mistake that the tests must catch.
#pragma once

#include <cstdint>

namespace bulkhead::memory::simulate {

#ifdef BULKHEAD_SIMULATION
inline constexpr bool kSimulated = true;
#else
inline constexpr bool kSimulated = false;
#endif

/// False only in a program of tests/bench, which shows what the journal costs by leaving it out.
#ifdef BULKHEAD_WITHOUT_JOURNAL
inline constexpr bool kJournaled = false;
#else
inline constexpr bool kJournaled = true;
#endif

enum class Access : uint8_t { load, store };

enum class Mistake : uint8_t {
  none,
  store_before_journal,    // a word changes before its old value is in the journal
  commit_before_journal,   // the generation is stored before the batch's last words are journaled
  tail_published_early,    // a ring's tail moves before the commit
  hazard_left_out,         // track does not wait for the fate of an unconfirmed entry
  frame_reused_early,      // pktio reuses what an uncommitted batch let go
  lane_out_of_turn,        // a flow has a lane while packets of it are in the chain
  sleep_without_look,      // a stage sleeps without looking again after it said so
  successor_does_not_wait  // a successor starts while its predecessor still runs (the simulator's part)
};

void point(Access access) noexcept;
[[nodiscard]] bool planted(Mistake mistake) noexcept;

/// A point in simulation; nothing otherwise.
inline void access(Access kind) noexcept {
  if constexpr (kSimulated) point(kind);
}
[[nodiscard]] inline bool mistaken(Mistake mistake) noexcept {
  if constexpr (kSimulated) return planted(mistake);
  return false;
}

}  // namespace bulkhead::memory::simulate
