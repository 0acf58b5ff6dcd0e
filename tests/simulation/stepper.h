// tests/simulation/stepper.h: runs something instruction by instruction and shows each image of shared memory that
// it leaves behind.
//
// How     a child stops, does it, and stops again; ptrace lets it go one instruction further at a time. What lies
//         in the MAP_SHARED memory then is what a SIGKILL there leaves behind: its stores in the order in which
//         the optimiser put them.
// Cost    two switches of context an instruction. Only pages that a first, unwatched run stored to are compared;
//         that there are no others is checked at the end.
// Skip    refused: ptrace is not to be had here (a sandbox, Yama).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/simulation/world.h"

namespace bulkhead::test {

struct Stepped {
  uint64_t instructions = 0;
  uint64_t images = 0;  // distinct from the one before
  bool refused = false;
  std::string failure;  // empty: it came to its end
};

/// Makes ready what is to be run over a memory, and gives it.
using Prepare = std::function<std::function<void()>(const Memory&)>;

/// `mirror` is the memory to begin with, and follows instruction by instruction: in seen() it is the image.
/// It must be private (not MAP_SHARED), so that a process forked in seen() has it for itself.
[[nodiscard]] Stepped step_through(const control::Settings& settings, const Memory& mirror, const Prepare& prepare,
                                   const std::function<void()>& seen);

}  // namespace bulkhead::test
