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
  chain::Wiring wiring(objects, settings, "pktio");
  auto const stage = wiring.stage();
  auto const home = wiring.visit("home");
  auto* state = wiring.object<state::PktioState>("pktio.state");
  auto* inflight = wiring.object<InFlightTable>("pktio.inflight");
  auto* fragments = wiring.object<FragmentCells>("pktio.fragments");
  auto* laned = wiring.object<state::LanedPackets>("pktio.laned");
  const auto* met_counters = wiring.object<const state::MetCountersTable>("rules.met_counters");
  const auto* conntrack = wiring.object<const state::ConntrackState>("conntrack.state");
  const auto* conntrack_commit = wiring.object<const memory::CommitArea>("conntrack.commit");
  auto* pool = wiring.object<chain::Pool>("pool");
  auto* staging = wiring.object<state::Staging>("pktio.staging");
  const auto* answers = wiring.object<const state::Answers>("rules.answers");
  const auto* edits = wiring.object<const state::HeaderEdits>("rules.edits");
  const auto* copies = wiring.object<const state::CopiesTable>("rules.copies");
  const auto* translations = wiring.object<const state::NatEdits>("nat.edits");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  if (!settings.topology.is_router() && settings.interfaces.size() != 2)
    return fail("bridge wiring has two interfaces, the settings name {}", settings.interfaces.size());
  return std::make_unique<Pktio>(Pktio::Parts{
      .stage = stage.parts(),
      .state = *state,
      .inflight = *inflight,
      .fragments = *fragments,
      .laned = *laned,
      .met_counters = *met_counters,
      .conntrack = *conntrack,
      .conntrack_bytes = wiring.bytes("conntrack.state"),
      .conntrack_commit = *conntrack_commit,
      .pool = *pool,
      .answers = *answers,
      .edits = *edits,
      .copies = *copies,
      .translations = *translations,
      .home = home.inlet(),
      .first = home.outlet(),
      .holder = objects.bell("holder"),
      .settings = settings,
      .open = std::move(files.open),
      .sink = make_sink(*staging, *state, settings, std::move(files.outputs)),
      .pace = std::move(files.pace)});
}

}  // namespace bulkhead::pktio
