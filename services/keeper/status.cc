#include "services/keeper/status.h"

#include <unistd.h>

#include "ipc/chain/chain.h"
#include "ipc/chain/ring.h"
#include "ipc/memory/commit.h"
#include "ipc/state/pktio_state.h"

namespace bulkhead::keeper {
namespace {

uint64_t ms_since(uint64_t then_ns) {
  constexpr uint64_t kNsInMs = 1'000'000;
  uint64_t const now = boot_ns();
  return now > then_ns ? (now - then_ns) / kNsInMs : 0;
}

uint64_t sum(const std::array<uint64_t, chain::kMaxRings>& numbers) {
  uint64_t all = 0;
  for (uint64_t const number : numbers) all += number;
  return all;
}

kj::StringPtr name_of(state::PktioState::Done done) {
  switch (done) {
    case state::PktioState::Done::running:
      return "running";
    case state::PktioState::Done::finished:
      return "finished";
    case state::PktioState::Done::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace

kj::Promise<void> StatusServer::status(StatusContext context) {
  auto status = context.getResults().initStatus();
  status.setKeeperPid(static_cast<uint32_t>(::getpid()));
  status.setKeeperStarts(state_.starts.load());
  status.setUptimeMs(ms_since(state_.started_ns.load()));
  status.setRunDir(run_dir_);
  status.setSettings(fmt::format("ring {}, batch {}, flows {}, seed {}", settings_.ring, settings_.batch,
                                 settings_.flows, settings_.seed));
  auto services = status.initServices(static_cast<unsigned>(std::size(chain::kServices)));
  for (unsigned i = 0; i < services.size(); ++i) fill_service(services[i], i);
  fill_progress(status.initProgress());
  return kj::READY_NOW;
}

kj::Promise<void> StatusServer::stop(StopContext) {
  holder_.ask_stop();
  return kj::READY_NOW;
}

void StatusServer::fill_service(schema::Status::Service::Builder into, unsigned place) {
  std::string const name = chain::kServices[place];
  const state::KeeperState::Service& known = state_.services[place];
  pid_t const pid = watch_.expected(name);
  into.setName(name);
  into.setPid(static_cast<uint32_t>(pid));
  into.setState(keeper::name_of(watch_.phase(place)));
  into.setUptimeMs(pid == 0 ? 0 : ms_since(known.started_ns.load()));
  uint64_t const starts = known.starts.load();
  into.setRestarts(starts == 0 ? 0 : starts - 1);
  if (auto desk = registry_.look<chain::Desk>(name + ".desk")) {
    into.setBatches((*desk)->batches.load());
    into.setSleeps((*desk)->sleeps.load());
    into.setBells((*desk)->bells.load());
    into.setCorrupt((*desk)->corrupt.load());
  }
  fill_rings(into, name);
  fill_packets(into, name);
  if (name == "pktio") fill_pktio(into);
}

void StatusServer::fill_rings(schema::Status::Service::Builder into, const std::string& service) {
  auto desk = registry_.look<chain::Desk>(service + ".desk");
  if (!desk) return;
  auto own = chain::places(settings_);
  std::erase_if(own, [&](const chain::Place& place) {
    return place.service != service || !registry_.look<chain::Ring>(place.from).has_value();
  });
  auto rings = into.initRings(static_cast<unsigned>(own.size()));
  for (unsigned i = 0; i < rings.size(); ++i) {
    auto ring = registry_.look<chain::Ring>(own[i].from);
    rings[i].setName(std::string(own[i].from.substr(sizeof "ring." - 1)));
    uint64_t const head = (*desk)->heads[own[i].head].value.load();
    uint64_t const tail = (*ring)->tail.load();
    rings[i].setDepth(tail > head ? tail - head : 0);
    rings[i].setCapacity((*ring)->header.capacity);
  }
}

void StatusServer::fill_packets(schema::Status::Service::Builder into, const std::string& service) {
  auto area = registry_.look<memory::CommitArea>(service + ".commit");
  memory::Cursors cursors;
  if (!area || !(*area)->snapshot(cursors)) return;
  into.setPacketsIn(sum(cursors.heads));
  into.setPacketsOut(sum(cursors.tails));
}

void StatusServer::fill_pktio(schema::Status::Service::Builder into) {
  auto state = registry_.look<state::PktioState>("pktio.state");
  if (!state) return;
  into.setPacketsIn((*state)->packets.load());
  into.setPacketsOut((*state)->accepted.load());
  unsigned count = 0;
  for (const auto& drops : (*state)->drops) count += drops.load() != 0;
  auto all = into.initDrops(count);  // one that appears meanwhile waits for the next question
  unsigned filled = 0;
  for (size_t reason = 0; reason < (*state)->drops.size() && filled < count; ++reason) {
    uint64_t const packets = (*state)->drops[reason].load();
    if (packets == 0) continue;
    all[filled].setReason(std::string(bulkhead::chain::name_of(static_cast<chain::DropReason>(reason))));
    all[filled++].setPackets(packets);
  }
}

void StatusServer::fill_progress(schema::Status::Progress::Builder into) {
  auto state = registry_.look<state::PktioState>("pktio.state");
  if (!state) return;
  into.setPackets((*state)->packets.load());
  into.setBytes((*state)->bytes.load());
  into.setAccepted((*state)->accepted.load());
  into.setDropped((*state)->dropped.load());
  into.setDone(name_of((*state)->done.load()));
}

}  // namespace bulkhead::keeper
