// common/ruleset/compile/facts.h: a loaded ruleset into its facts, and the same ruleset out of them again.
//
// Who     the CLI puts the facts into an instance's settings; rules, tests and fuzzers load them: the same text makes the same
//         program, with the same numbers for rules and state words.
// Trust   the text is parsed and checked like any ruleset; numbers that do not agree are an error.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/base/topology.h"
#include "common/ruleset/compile/load.h"
#include "common/ruleset/facts.h"

namespace bulkhead::ruleset {

/// Interfaces are numbered from 1, in the order of their names; `lo` is there too, unless one is called so. `topology`: a router's, or
/// none: a bridge.
[[nodiscard]] Compiler::World world_of(std::span<const std::string> interfaces, const Topology& topology, uint64_t seed);
/// `topology`: whose own addresses flows may get.
[[nodiscard]] Facts facts_of(const Loaded& loaded, const Topology& topology);
/// Null: there is no ruleset.
[[nodiscard]] Result<std::unique_ptr<Loaded>> load_again(const Facts& facts, const Compiler::World& world);

}  // namespace bulkhead::ruleset
