#include "services/pktio/make.h"

namespace bulkhead::pktio {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings, Files files) {
  Wiring wiring(objects);
  auto const stage = wiring.stage("pktio");
  auto* state = wiring.object<PktioState>("pktio.state");
  auto* inflight = wiring.object<InFlightTable>("pktio.inflight");
  auto* fragments = wiring.object<FragmentCells>("pktio.fragments");
  auto* laned = wiring.object<LanedPackets>("pktio.laned");
  auto* bumps = wiring.object<BumpsTable>("rules.bumps");
  auto* conntrack = wiring.object<ConntrackState>("conntrack.state");
  auto* conntrack_commit = wiring.object<CommitArea>("conntrack.commit");
  auto* pool = wiring.object<Pool>("pool");
  auto* staging = wiring.object<Staging>("pktio.staging");
  auto* answers = wiring.object<Answers>("rules.answers");
  auto* edits = wiring.object<HeaderEdits>("rules.edits");
  auto* translations = wiring.object<NatEdits>("nat.edits");
  auto* home = wiring.object<Ring>("ring.home");
  // With chains before conntrack, rules comes first.
  std::string const next = settings.ruleset.early ? "rules" : "conntrack";
  auto* to_next = wiring.object<Ring>(settings.ruleset.early ? "ring.early" : "ring.track");
  auto* next_desk = wiring.object<Desk>(next + ".desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  if (!settings.topology.is_router() && settings.interfaces.size() != 2)
    return fail("bridge wiring has two interfaces, the settings name {}", settings.interfaces.size());
  return std::make_unique<Pktio>(Pktio::Parts{
      .stage = stage.parts(settings.batch),
      .state = *state,
      .inflight = *inflight,
      .fragments = *fragments,
      .laned = *laned,
      .bumps = *bumps,
      .conntrack = *conntrack,
      .conntrack_bytes = objects.memory("conntrack.state").size(),
      .conntrack_commit = *conntrack_commit,
      .pool = *pool,
      .staging = *staging,
      .answers = *answers,
      .edits = *edits,
      .translations = *translations,
      .home = *home,
      .track = {*to_next, *next_desk, settings.ruleset.early ? 1U : 0U, objects.bell(next)},
      .holder = objects.bell("holder"),
      .settings = settings,
      .open = std::move(files.open),
      .files = std::move(files.outputs),
      .pace = std::move(files.pace)});
}

}  // namespace bulkhead::pktio
