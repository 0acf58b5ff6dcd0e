// common/ruleset/run/make_numbers.h: numbers that are made: steps of `numgen`, `jhash`, `symhash`, `meta random`.
//
// Step    a: modulus, not 0; b: what is added; offset: which of the ruleset's made numbers it is; data of jhash: HashedFields.
// Same    whatever is chance is a keyed function of the packet's number, or of the packet.
#pragma once

#include <span>

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

extern const StepOperation numgen_inc;  // word: the number given last
extern const StepOperation numgen_random;
extern const StepOperation random;  // no modulus
extern const StepOperation jenkins, symmetric_hash;

[[nodiscard]] uint32_t jhash(std::span<const uint8_t> bytes, uint32_t seed) noexcept;

}  // namespace bulkhead::ruleset::run
