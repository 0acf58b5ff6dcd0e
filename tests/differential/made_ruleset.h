// tests/differential/made_ruleset.h: a ruleset out of everything that the language can say today. What the kernel's nft takes;
// each rule counts.
//
// Same     depends on the seed alone.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::test {

[[nodiscard]] std::string made_ruleset(uint64_t seed);

}  // namespace bulkhead::test
