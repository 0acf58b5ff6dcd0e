#include "services/pktio/make.h"

#include "services/pktio/out/discard_sink.h"
#include "services/pktio/out/pcap_sink.h"

namespace bulkhead::pktio {
namespace {

std::unique_ptr<Sink> make_sink(state::Staging& staging, state::PktioState& state, const control::Settings& settings,
                                std::vector<std::unique_ptr<FileWriter>> files) {
  if (files.empty()) return std::make_unique<DiscardSink>();
  return std::make_unique<PcapSink>(staging, state, control::Outputs(settings), std::move(files));
}

}  // namespace

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
      .answers = *answers,
      .edits = *edits,
      .translations = *translations,
      .home = *home,
      .track = {*to_next, *next_desk, settings.ruleset.early ? 1U : 0U, objects.bell(next)},
      .holder = objects.bell("holder"),
      .settings = settings,
      .open = std::move(files.open),
      .sink = make_sink(*staging, *state, settings, std::move(files.outputs)),
      .pace = std::move(files.pace)});
}

}  // namespace bulkhead::pktio
