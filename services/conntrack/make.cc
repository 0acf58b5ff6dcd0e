#include "services/conntrack/make.h"

#include "services/conntrack/conntrack.h"

namespace bulkhead::conntrack {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  Wiring wiring(objects);
  auto const stage = wiring.stage("conntrack");
  auto* state = wiring.object<ConntrackState>("conntrack.state");
  auto* views = wiring.object<FlowViews>("conntrack.views");
  auto* track = wiring.object<Ring>(settings.ruleset.early ? "ring.sifted" : "ring.track");
  auto* confirm = wiring.object<Ring>("ring.confirm");
  auto* to_rules = wiring.object<Ring>("ring.rules");
  auto* to_home = wiring.object<Ring>("ring.home");
  auto* rules = wiring.object<Desk>("rules.desk");
  auto* edits = wiring.object<NatEdits>("nat.edits");
  auto* pktio = wiring.object<Desk>("pktio.desk");
  const auto* lanes = wiring.object<PktioState>("pktio.state");
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
      .lanes = LaneTable(*lanes, objects.memory("pktio.state").size()),
      .empty = settings.chain == Settings::Chain::empty});
}

}  // namespace bulkhead::conntrack
