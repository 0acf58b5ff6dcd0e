#include "services/conntrack/make.h"

#include "services/conntrack/conntrack.h"

namespace bulkhead::conntrack {

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings) {
  chain::Wiring wiring(objects);
  auto const stage = wiring.stage("conntrack");
  auto* state = wiring.object<state::ConntrackState>("conntrack.state");
  auto* views = wiring.object<state::FlowViews>("conntrack.views");
  auto* track = wiring.object<chain::Ring>(settings.ruleset.early ? "ring.sifted" : "ring.track");
  auto* confirm = wiring.object<chain::Ring>("ring.confirm");
  auto* to_rules = wiring.object<chain::Ring>("ring.rules");
  auto* to_home = wiring.object<chain::Ring>("ring.home");
  auto* rules = wiring.object<chain::Desk>("rules.desk");
  auto* edits = wiring.object<state::NatEdits>("nat.edits");
  auto* pktio = wiring.object<chain::Desk>("pktio.desk");
  const auto* lanes = wiring.object<state::PktioState>("pktio.state");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<Conntrack>(Conntrack::Parts{
      .stage = stage.parts(settings.batch),
      .state = *state,
      .track = *track,
      .confirm = *confirm,
      .rules = {*to_rules, *rules, 0, objects.bell("rules")},
      .home = {*to_home, *pktio, 0, objects.bell("pktio")},
      .edits = *edits,
      .settings = settings,
      .views = *views,
      .lanes = state::LaneTable(*lanes, objects.memory("pktio.state").size()),
      .empty = settings.chain == control::Settings::Chain::empty});
}

}  // namespace bulkhead::conntrack
