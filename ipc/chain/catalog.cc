#include "ipc/chain/catalog.h"

#include <fmt/format.h>

#include <string_view>

#include "ipc/state/answers.h"
#include "ipc/state/bindings.h"
#include "ipc/memory/commit.h"
#include "ipc/state/counters.h"
#include "ipc/chain/desk.h"
#include "ipc/state/early_marks.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/flow_views.h"
#include "ipc/state/fragments.h"
#include "ipc/state/header_edits.h"
#include "ipc/state/inflight.h"
#include "ipc/state/lanes.h"
#include "ipc/state/nat_orders.h"
#include "ipc/chain/pool.h"
#include "ipc/chain/ring.h"
#include "ipc/state/staging.h"
#include "ipc/state/walk.h"

namespace bulkhead::chain {
namespace {

constexpr uint64_t kJournalEntries = 32768;
constexpr uint64_t kLaneWords = 104;  // that a packet which goes and one which comes home change at most
constexpr uint64_t kStagingBytes = 4 << 20;  // of each file: four writes of 1 MiB

template <class T>
ObjectSpec spec(std::string name, uint64_t capacity) {
  return {std::move(name), T::kLayout, T::kVersion, T::bytes_for(capacity), capacity};
}

}  // namespace

std::vector<ObjectSpec> catalog(const control::Settings& settings) {
  std::vector<ObjectSpec> all;
  for (const char* service : kServices) {
    all.push_back(spec<memory::CommitArea>(fmt::format("{}.commit", service), 0));
    uint64_t const own = std::string_view(service) == "rules"   ? settings.ruleset.changes  // of one packet
                         : std::string_view(service) == "pktio" ? uint64_t{settings.batch} * kLaneWords
                                                                : 0;
    all.push_back(spec<memory::Journal>(fmt::format("{}.journal", service), kJournalEntries + own));
    all.push_back(spec<Desk>(fmt::format("{}.desk", service), 0));
  }
  for (const char* visit : {"rules", "nat", "confirm", "home"})
    all.push_back(spec<Ring>(fmt::format("ring.{}", visit), settings.ring));
  if (settings.ruleset.early)
    for (const char* visit : {"early", "sifted"}) all.push_back(spec<Ring>(fmt::format("ring.{}", visit), settings.ring));
  else
    all.push_back(spec<Ring>("ring.track", settings.ring));
  all.push_back(spec<Pool>("pool", settings.ring));
  all.push_back(spec<state::FragmentCells>("pktio.fragments", state::FragmentCells::kCells));
  all.push_back(spec<state::InFlightTable>("pktio.inflight", settings.ring));
  all.push_back(spec<state::Staging>("pktio.staging", kStagingBytes));
  bool const lanes = settings.fast_lane && settings.chain == control::Settings::Chain::work;
  all.push_back(spec<state::PktioState>("pktio.state", lanes ? settings.flows : 0));
  all.back().bytes = state::LaneTable::object_bytes(all.back().capacity, settings.ruleset.words);
  all.push_back(spec<state::LanedPackets>("pktio.laned", lanes ? settings.ring : 1));
  all.push_back(spec<state::BumpsTable>("rules.bumps", lanes ? settings.ring : 1));
  all.push_back(spec<state::ConntrackState>("conntrack.state", settings.flows));
  uint64_t const marks = settings.ruleset.marks ? settings.flows : 0;
  all.push_back(spec<state::RulesState>("rules.state", settings.ruleset.words + marks));
  all.push_back(spec<state::FlowViews>("conntrack.views", settings.ring));
  all.push_back(spec<state::Answers>("rules.answers", settings.ring));
  all.push_back(spec<state::EarlyMarks>("rules.early", settings.ruleset.early ? settings.ring : 1));
  all.push_back(spec<state::HeaderEdits>("rules.edits", settings.ring));
  all.push_back(spec<state::Walk>("rules.walk", settings.explained.packet == 0 ? 0 : state::Walk::kSteps));
  all.push_back(spec<state::NatOrdersTable>("rules.nat_orders", settings.ring));
  all.push_back(spec<state::NatEdits>("nat.edits", settings.ring));
  all.push_back(spec<state::NatState>("nat.state", settings.ruleset.translates ? settings.flows : 0));
  return all;
}

}  // namespace bulkhead::chain