#include "services/pktio/make.h"

namespace bulkhead::pktio {

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings, Files files) {
  chain::Wiring wiring(objects);
  auto const stage = wiring.stage("pktio");
  auto* state = wiring.object<state::PktioState>("pktio.state");
  auto* inflight = wiring.object<state::InFlightTable>("pktio.inflight");
  auto* fragments = wiring.object<state::FragmentCells>("pktio.fragments");
  auto* laned = wiring.object<state::LanedPackets>("pktio.laned");
  auto* bumps = wiring.object<state::BumpsTable>("rules.bumps");
  auto* conntrack = wiring.object<state::ConntrackState>("conntrack.state");
  auto* conntrack_commit = wiring.object<memory::CommitArea>("conntrack.commit");
  auto* pool = wiring.object<chain::Pool>("pool");
  auto* staging = wiring.object<state::Staging>("pktio.staging");
  auto* answers = wiring.object<state::Answers>("rules.answers");
  auto* edits = wiring.object<state::HeaderEdits>("rules.edits");
  auto* translations = wiring.object<state::NatEdits>("nat.edits");
  auto* home = wiring.object<chain::Ring>("ring.home");
  // With chains before conntrack, rules comes first.
  std::string const next = settings.ruleset.early ? "rules" : "conntrack";
  auto* to_next = wiring.object<chain::Ring>(settings.ruleset.early ? "ring.early" : "ring.track");
  auto* next_desk = wiring.object<chain::Desk>(next + ".desk");
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
