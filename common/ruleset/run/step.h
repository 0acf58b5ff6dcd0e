// common/ruleset/run/step.h: one step of a compiled rule: an operation by its number, and what it works on.
//
// Who     the compiler emits steps; evaluate.cc runs them by the program's table of operations (operations.h).
// Place   a step has no pointer: `operation` is a place in Program::operations, `data` one in that of Program's arenas
//         which the operation names (StepOperation::data). So steps may lie in memory that others map elsewhere.
#pragma once

#include <cstdint>
#include <type_traits>

#include "common/ruleset/run/evaluation.h"

namespace bulkhead::ruleset {

enum class Next : uint8_t { step, rule, verdict, jump, go_to, return_ };

using OperationNumber = uint16_t;
inline constexpr OperationNumber kNoOperation = 0xffff;

struct Step {
  OperationNumber operation = kNoOperation;
  uint8_t to = 0;       // registers
  uint8_t count = 1;    // registers from `to` on
  uint16_t bits = 0;
  uint32_t offset = 0;  // bits, bytes or a number: the operation's own
  uint32_t word = 0;    // first state word
  uint32_t chain = 0;
  uint32_t data = 0;
  Number a = 0, b = 0;
  bool operator==(const Step&) const = default;
};
static_assert(std::is_trivially_copyable_v<Step> && sizeof(Step) == 64);

/// What a step does with a packet.
using Run = Next (*)(const Step& step, Evaluation& packet) noexcept;

}  // namespace bulkhead::ruleset
