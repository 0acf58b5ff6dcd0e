#include "ipc/control/ruleset.h"

#include "common/ruleset/write/print.h"

namespace bulkhead::control {

ruleset::Compiler::World world_of(const Settings& settings) {
  ruleset::Compiler::World world;
  for (size_t i = 0; i < settings.interfaces.size(); ++i)
    world.interfaces[settings.interfaces[i].name] = static_cast<uint32_t>(i + 1);
  world.seed = settings.seed;
  return world;
}

void set_ruleset(Settings& settings, const ruleset::Loaded& loaded) {
  const ruleset::Program& program = loaded.program;
  Settings::Ruleset& ruleset = settings.ruleset;
  ruleset.text = ruleset::list_ruleset(loaded.ruleset, {});
  ruleset.words = program.words;
  ruleset.changes = program.changes;
  ruleset.marks = program.flow_marks;
  ruleset.translates = program.translates;
  ruleset.early = program.early;
  ruleset.sets_tuples = program.sets_tuples;
  ruleset.shows_choices = program.choices != ruleset::Choices::none;
  ruleset.resets = static_cast<Settings::Ruleset::Resets>(program.resets);
  for (size_t part = 0; part < ruleset.may_become.size(); ++part) {
    ruleset.may_become[part].clear();
    for (const auto& [low, high] : program.may_become[part]) ruleset.may_become[part].push_back({low, high});
    if (!program.may_become_local[part]) continue;
    for (const auto& interface : settings.topology.interfaces)
      for (const Prefix& own : interface.addresses) ruleset.may_become[part].push_back({own.address, own.address});
  }
  ruleset.views = program.flow_views;
  ruleset.rules.clear();
  for (const ruleset::CompiledRule& rule : program.rules) {
    const ruleset::CompiledChain& chain = program.chains[rule.chain];
    ruleset.rules.push_back({chain.family, chain.table, chain.name, rule.handle});
  }
}

Result<std::unique_ptr<ruleset::Loaded>> ruleset_of(const Settings& settings) {
  if (settings.ruleset.text.empty()) return nullptr;
  auto loaded = ruleset::load("ruleset", settings.ruleset.text, world_of(settings));
  if (!loaded) return tl::unexpected(loaded.error());
  const ruleset::Program& program = (*loaded)->program;
  if (program.words != settings.ruleset.words || program.changes != settings.ruleset.changes || program.rules.size() != settings.ruleset.rules.size())
    return fail("the ruleset has {} rules, {} words of state and changes {} of them, the settings say {}, {} and {}",
                program.rules.size(), program.words, program.changes, settings.ruleset.rules.size(), settings.ruleset.words,
                settings.ruleset.changes);
  return loaded;
}

}  // namespace bulkhead::control