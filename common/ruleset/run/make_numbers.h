// common/ruleset/run/make_numbers.h: numbers that are made: steps of `numgen`, `jhash`, `symhash`, `meta random`.
//
// Step    a: modulus, not 0; b: what is added; data: the program's Chance, or HashedFields; offset: which of its kind it is.
// Same    whatever is chance is a keyed function of the packet's number, or of the packet.
#pragma once

#include <span>

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

/// What jhash is made of: registers from the step's `to` on, as bytes the way the kernel's registers hold them.
struct HashedFields {
  static constexpr size_t kBytes = ConstantSet::kFields * 16;
  struct Field {
    uint8_t bytes = 0;
    bool host_order = false;
  };
  std::array<Field, ConstantSet::kFields> fields{};
  size_t count = 0;
  uint32_t seed = 0;
};

namespace run {

Next numgen_inc(const Step& step, Evaluation& packet) noexcept;  // word: the number given last
Next numgen_random(const Step& step, Evaluation& packet) noexcept;
Next random(const Step& step, Evaluation& packet) noexcept;      // no modulus
Next jenkins(const Step& step, Evaluation& packet) noexcept;
Next symmetric_hash(const Step& step, Evaluation& packet) noexcept;

[[nodiscard]] uint32_t jhash(std::span<const uint8_t> bytes, uint32_t seed) noexcept;

}  // namespace run
}  // namespace bulkhead::ruleset