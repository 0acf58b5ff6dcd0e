// tests/simulation/simulation.h: all stages' real code in one program, as fibres under a seed's control.
//
// Points  each access to shared memory (ipc/memory/word.h) may switch to another process or be the death of this one,
//         also while it recovers. Which, the seed says; the same seed does the same again.
// Bells   a process that sleeps runs again when its bell has been rung or its I/O is done. If all sleep and nothing
//         is under way, a wake-up was lost: that is a failure, not a hang.
// Disk    writes and reads complete when the seed says. Of a dead process's writes some still happen.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ipc/memory/simulate.h"
#include "tests/simulation/world.h"

namespace bulkhead::test {

struct Plan {
  uint64_t seed = 0;
  uint32_t kills = 0;         // about so many deaths, at points that the seed chooses
  uint64_t kill_at_store = 0; // the death at exactly this store of the whole run, counted from 1; 0: none
  uint32_t switch_every = 40; // points between two switches, about; 0: only when a process sleeps
  uint64_t points_expected = 20000;  // over which kills are spread
  uint32_t drop_one_in = 0;   // rules drops so: what rules will do one day, as a hazard for track; 0: nothing
  memory::simulate::Mistake mistake = memory::simulate::Mistake::none;
};

struct Outcome {
  std::string image;
  std::string failure;  // empty: it came to its end
  uint64_t points = 0, stores = 0, laned = 0;
  uint32_t kills = 0, kills_in_recovery = 0;
};

[[nodiscard]] Outcome simulate_run(const control::Settings& settings, const Input& input, const Plan& plan);

}  // namespace bulkhead::test
