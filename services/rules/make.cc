#include "services/rules/make.h"

namespace bulkhead::rules {

Result<Decide> make_work(Objects& objects, const Settings& settings, const std::shared_ptr<const Loaded>& ruleset) {
  Wiring wiring(objects);
  auto* state = wiring.object<RulesState>("rules.state");
  auto* pool = wiring.object<Pool>("pool");
  auto* conntrack = wiring.object<ConntrackState>("conntrack.state");
  auto* views = wiring.object<FlowViews>("conntrack.views");
  auto* answers = wiring.object<Answers>("rules.answers");
  auto* edits = wiring.object<HeaderEdits>("rules.edits");
  auto* early = wiring.object<EarlyMarks>("rules.early");
  auto* bumps = wiring.object<BumpsTable>("rules.bumps");
  auto* nat = wiring.object<NatState>("nat.state");
  auto* walk = wiring.object<Walk>("rules.walk");
  auto* orders = wiring.object<NatOrdersTable>("rules.nat_orders");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  std::shared_ptr<const Program> program;
  if (ruleset) program = {ruleset, &ruleset->program};
  return Decide({*state, *pool, objects.memory("pool").size(), *answers, *edits, *early, *bumps, {*nat, *orders, *conntrack}, {*views, *conntrack}, *walk}, settings, std::move(program));
}

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  auto loaded = ruleset_of(settings);
  if (!loaded) return tl::unexpected(loaded.error());
  auto work = make_work(objects, settings, std::move(*loaded));
  if (!work) return tl::unexpected(work.error());
  return make_stage_of(objects, settings, std::move(*work));
}

}  // namespace bulkhead::rules
