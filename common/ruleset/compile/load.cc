#include "common/ruleset/compile/load.h"

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"

namespace bulkhead::ruleset {
namespace {

Result<Ruleset> read_sources(Sources& sources, const std::string& name, const std::string& text, const ReadOptions& options,
                             const Vocabulary& vocabulary) {
  Registry const registry(vocabulary.modules);
  Diagnostics diagnostics;
  uint32_t const index = sources.add(name, text);
  auto commands = read_text(sources, index, registry, options, diagnostics);
  Ruleset ruleset;
  if (apply(ruleset, std::move(commands), registry, diagnostics) && !diagnostics.any()) return ruleset;
  std::string all;
  for (const Diagnostic& one : diagnostics.all()) all += to_text(one, sources);
  return fail("{}", all);
}

}  // namespace

Result<Ruleset> read_ruleset(const std::string& name, const std::string& text, const ReadOptions& options,
                             const Vocabulary& vocabulary) {
  Sources sources;
  return read_sources(sources, name, text, options, vocabulary);
}

Result<std::unique_ptr<Loaded>> load(const std::string& name, const std::string& text, const Compiler::World& world,
                                     const ReadOptions& options, const Vocabulary& vocabulary) {
  Sources sources;
  auto ruleset = read_sources(sources, name, text, options, vocabulary);
  if (!ruleset) return tl::unexpected(ruleset.error());
  auto loaded = std::make_unique<Loaded>();
  loaded->ruleset = std::move(*ruleset);
  Remarks remarks;
  auto program = compile(loaded->ruleset, world, vocabulary, remarks);
  std::string errors;
  for (const Remark& one : remarks.errors)
    errors += one.at.known() ? to_text(Diagnostic{one.at, {}, one.text}, sources) : fmt::format("{}: {}\n", name, one.text);
  if (!program) return fail("{}", errors);
  for (const Remark& one : remarks.notes)
    loaded->notes.push_back(fmt::format("{}:{}: {}", sources.at(one.at.source).name, one.at.line, one.text));
  loaded->program = std::move(*program);
  return loaded;
}

}  // namespace bulkhead::ruleset
