// ipc/state/walk.h: how one packet went through the rules, for `bulkhead explain`.
//
// Who     rules writes it when the packet comes that Settings::explained names; the CLI reads it when the replay is over.
// Crash   written from its beginning before the packet's batch is committed: a successor that has the packet again writes
//         the same, and nobody reads it before.
// Trust   the reader copies it, and checks every number against the ruleset.
#pragma once

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::state {

struct WalkStep {
  enum class What : uint8_t { tried, matched, policy };
  uint32_t index;  // of the rule in the program; policy: of the chain
  What what;
  uint8_t hook;    // rules::At
  uint16_t unused;
};
static_assert(sizeof(WalkStep) == 8);

struct Walk {
  static constexpr memory::Layout kLayout = memory::Layout::walk;
  static constexpr uint32_t kVersion = 1;
  static constexpr uint64_t kSteps = 1 << 17;
  static constexpr size_t bytes_for(uint64_t steps) { return sizeof(Walk) + steps * sizeof(WalkStep); }

  memory::ObjectHeader header;     // capacity: steps; 0: nobody asked
  memory::Word<uint64_t> number;   // of the packet; 0: it has not come
  memory::Word<uint64_t> steps;    // that it took; those beyond the capacity are not here

  [[nodiscard]] WalkStep* at(uint64_t step) { return reinterpret_cast<WalkStep*>(this + 1) + step; }
  [[nodiscard]] const WalkStep* at(uint64_t step) const { return reinterpret_cast<const WalkStep*>(this + 1) + step; }
};

}  // namespace bulkhead::state