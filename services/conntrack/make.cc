#include "services/conntrack/make.h"

#include "services/conntrack/conntrack.h"

namespace bulkhead::conntrack {

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings) {
  chain::Wiring wiring(objects, settings, "conntrack");
  auto const stage = wiring.stage();
  auto const track = wiring.visit("track");
  auto const confirm = wiring.visit("confirm");
  auto* state = wiring.object<state::ConntrackState>("conntrack.state");
  auto* views = wiring.object<state::FlowViews>("conntrack.views");
  const auto* edits = wiring.object<const state::NatEdits>("nat.edits");
  const auto* orders = wiring.object<const state::FlowOrdersTable>("rules.flow_orders");
  const auto* early = wiring.object<const state::EarlyMarks>("rules.early");
  const auto* lanes = wiring.object<const state::PktioState>("pktio.state");
  const auto* decided = wiring.object<const chain::Ring>("ring.nat");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<Conntrack>(Conntrack::Parts{
      .stage = stage.parts(),
      .state = *state,
      .track = track.inlet(),
      .confirm = confirm.inlet(),
      .rules = track.outlet(),
      .home = confirm.outlet(),
      .decided = *decided,
      .edits = *edits,
      .orders = *orders,
      .early = *early,
      .settings = settings,
      .views = *views,
      .lanes = state::LaneTable(*lanes, wiring.bytes("pktio.state"))});
}

}  // namespace bulkhead::conntrack
