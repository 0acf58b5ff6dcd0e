// common/ruleset/compile/load.h: a ruleset's text into the structure and the program.
//
// Who     rules, out of the settings' text; the CLI, out of a file; tests.
#pragma once

#include "common/base/result.h"
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/read/token.h"

namespace bulkhead::ruleset {

struct Loaded {
  Ruleset ruleset;
  Program program;  // made of it
  std::vector<std::string> notes;  // "home.nft:7: queue: nobody listens...": what is to be said of it
};

/// `name`: of the source, for messages. The error is all that nft would print, or the reason why it cannot be compiled.
[[nodiscard]] Result<Ruleset> read_ruleset(const std::string& name, const std::string& text,
                                           const ReadOptions& options = {}, const Vocabulary& vocabulary = {});
[[nodiscard]] Result<std::unique_ptr<Loaded>> load(const std::string& name, const std::string& text,
                                                   const Compiler::World& world, const ReadOptions& options = {},
                                                   const Vocabulary& vocabulary = {});

}  // namespace bulkhead::ruleset