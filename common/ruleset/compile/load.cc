#include "common/ruleset/compile/load.h"

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"

namespace bulkhead::ruleset {

Result<Ruleset> read_ruleset(const std::string& name, const std::string& text, const ReadOptions& options,
                             const Vocabulary& vocabulary) {
  Registry const registry(vocabulary.modules);
  Sources sources;
  Diagnostics diagnostics;
  uint32_t const index = sources.add(name, text);
  auto commands = read_text(sources, index, registry, options, diagnostics);
  Ruleset ruleset;
  if (apply(ruleset, std::move(commands), registry, diagnostics) && !diagnostics.any()) return ruleset;
  std::string all;
  for (const Diagnostic& one : diagnostics.all()) all += to_text(one, sources);
  return fail("{}", all);
}

Result<std::unique_ptr<Loaded>> load(const std::string& name, const std::string& text, const Compiler::World& world,
                                     const ReadOptions& options, const Vocabulary& vocabulary) {
  auto ruleset = read_ruleset(name, text, options, vocabulary);
  if (!ruleset) return tl::unexpected(ruleset.error());
  auto loaded = std::make_unique<Loaded>();
  loaded->ruleset = std::move(*ruleset);
  auto program = compile(loaded->ruleset, world, vocabulary);
  if (!program) return fail("{}: {}", name, program.error().message);
  loaded->program = std::move(*program);
  return loaded;
}

}  // namespace bulkhead::ruleset