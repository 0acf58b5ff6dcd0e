#include "services/rules/make.h"

namespace bulkhead::rules {

Result<Decide> make_work(chain::Objects& objects, const control::Settings& settings, const std::shared_ptr<const ruleset::Loaded>& ruleset) {
  chain::Wiring wiring(objects, settings, "rules");
  auto* state = wiring.object<state::RulesState>("rules.state");
  const auto* pool = wiring.object<const chain::Pool>("pool");
  const auto* conntrack = wiring.object<const state::ConntrackState>("conntrack.state");
  const auto* views = wiring.object<const state::FlowViews>("conntrack.views");
  auto* answers = wiring.object<state::Answers>("rules.answers");
  auto* edits = wiring.object<state::HeaderEdits>("rules.edits");
  auto* copies = wiring.object<state::CopiesTable>("rules.copies");
  auto* early = wiring.object<state::EarlyMarks>("rules.early");
  auto* met_counters = wiring.object<state::MetCountersTable>("rules.met_counters");
  auto* flow_orders = wiring.object<state::FlowOrdersTable>("rules.flow_orders");
  const auto* nat = wiring.object<const state::NatState>("nat.state");
  auto* walk = wiring.object<state::Walk>("rules.walk");
  auto* orders = wiring.object<state::NatOrdersTable>("rules.nat_orders");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  std::shared_ptr<const ruleset::Program> program;
  uint64_t const flows = settings.ruleset.shows_choices ? settings.flows : 0;
  auto const foreseen = state::foreseen_bindings(*state, wiring.bytes("rules.state"), flows);
  if (foreseen.flows() != flows) return fail("rules.state: has no room for the bindings of {} flows", flows);
  if (ruleset) program = {ruleset, &ruleset->program};
  return Decide({*state, *pool, wiring.bytes("pool"), *answers, *edits, *copies, *early, *flow_orders, *met_counters, {*nat, *orders}, foreseen, {*views, *conntrack}, *walk}, settings, std::move(program));
}

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings) {
  auto loaded = ruleset::load_again(settings.ruleset, ruleset::world_of(settings.interface_names(), settings.topology, settings.seed));
  if (!loaded) return tl::unexpected(loaded.error());
  auto work = make_work(objects, settings, std::move(*loaded));
  if (!work) return tl::unexpected(work.error());
  return make_stage_of(objects, settings, std::move(*work));
}

}  // namespace bulkhead::rules
