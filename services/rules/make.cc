#include "services/rules/make.h"

#include "common/rules/load.h"

namespace bulkhead::rules {

PassPlace place() { return {.own = "rules", .from = "ring.rules", .to = "ring.nat", .next = "nat", .head = 0}; }

namespace {

/// The program that the settings' text makes; null: there is no ruleset.
Result<std::shared_ptr<const Program>> program_of(const Settings& settings) {
  if (settings.ruleset.text.empty()) return nullptr;
  Compiler::World world;
  for (size_t i = 0; i < settings.interfaces.size(); ++i)
    world.interfaces[settings.interfaces[i].name] = static_cast<uint32_t>(i + 1);
  auto loaded = load("ruleset", settings.ruleset.text, world);
  if (!loaded) return tl::unexpected(loaded.error());
  if ((*loaded)->program.initial.size() != settings.ruleset.words)
    return fail("the ruleset has {} words of state, the settings say {}", (*loaded)->program.initial.size(),
                settings.ruleset.words);
  std::shared_ptr<const Loaded> shared = std::move(*loaded);
  return std::shared_ptr<const Program>(shared, &shared->program);
}

}  // namespace

Result<Decide> make_work(Objects& objects, const Settings& settings) {
  Wiring wiring(objects);
  auto* state = wiring.object<RulesState>("rules.state");
  auto* pool = wiring.object<Pool>("pool");
  auto* answers = wiring.object<Answers>("rules.answers");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  auto program = program_of(settings);
  if (!program) return tl::unexpected(program.error());
  return Decide({*state, *pool, objects.memory("pool").size(), *answers}, settings, std::move(*program));
}

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  auto work = make_work(objects, settings);
  if (!work) return tl::unexpected(work.error());
  return make_pass_stage(objects, settings, place(), std::move(*work));
}

}  // namespace bulkhead::rules
