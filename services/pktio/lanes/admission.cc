#include "services/pktio/lanes/admission.h"

#include <algorithm>

#include "ipc/memory/simulate.h"
#include "ipc/tracking/protocol_words.h"
#include "services/pktio/lanes/plain.h"

namespace bulkhead::pktio {

void Admission::came_home(const chain::Descriptor& descriptor, const InFlight& slot, const packet::Rewriting* what, memory::Batch& batch) {
  if (slot.hash != 0) objects_.in_chain.leaves(slot.hash);
  if (slot.lane != 0) back(slot.lane - 1, descriptor, batch);
  if (what != nullptr && (descriptor.facts & chain::Facts::steady) != 0) admit(descriptor, *what, batch);
}

std::optional<Admission::Flow> Admission::look(uint32_t flow, uint32_t generation) const noexcept {
  const state::FlowEntry& entry = objects_.entries[flow];
  Flow known;
  bool const good = memory::read_committed(entry.stamp, objects_.conntrack_commit.generation, [&] {
    known = {entry.generation.load(), entry.status.load(), entry.protocol_state.load(), entry.timeouts.load(), entry.created.load(), entry.expires_ns.load(),
             entry.started_ns.load(), {}, {}};
    for (size_t way = 0; way < 2; ++way) {
      known.keys.tuples[way] = state::words_of(state::tuple_of(entry.tuples[way]));
      known.keys.hashes[way] = entry.hashes[way].load();
    }
    known.protocol_words = tracking::words_of<decltype(known.protocol_words)>(entry);
  });
  constexpr uint32_t wanted = state::Status32::used | state::Status32::confirmed;
  bool const there = good && known.generation == generation && (known.status & wanted) == wanted;
  return there ? std::optional(known) : std::nullopt;
}

/// The last one of its flow that was in the chain: what the flow has become there is taken over.
void Admission::back(uint32_t flow, const chain::Descriptor& descriptor, memory::Batch& batch) {
  state::Lane& lane = objects_.lanes.lane(flow);
  if ((descriptor.facts & chain::Facts::marked) != 0)
    for (state::LaneSide& side : lane.sides) batch.set(side.plan, uint64_t{0});
  if (lane.last.load() != descriptor.number) return;
  auto const known = look(flow, lane.generation.load());
  if (!known || known->status != lane.status.load()) return objects_.lanes.remove(flow, batch);
  take_over(lane, *known, batch);
  batch.set(lane.epoch, objects_.room.epoch());
  std::atomic_thread_fence(std::memory_order_release);
  batch.set(lane.last, uint64_t{0});
  batch.set(lane.away, uint64_t{0});
}

void Admission::take_over(state::Lane& lane, const Flow& known, memory::Batch& batch) {
  batch.set(lane.expires_ns, known.expires_ns);
  tracking::store_protocol(lane, known.protocol_words, known.protocol_state, batch);
  for (state::LaneSide& side : lane.sides) {
    if (side.counted.packets.load() == 0) continue;
    batch.set(side.counted.packets, uint64_t{0});
    batch.set(side.counted.bytes, uint64_t{0});
  }
}

bool Admission::may_be_admitted(const chain::Descriptor& descriptor, const packet::Rewriting& what) const noexcept {
  constexpr uint8_t known_orders = chain::Orders::routed | chain::Orders::translated;
  return is_lane_plain(descriptor) && descriptor.flow != 0 && descriptor.flow <= objects_.lanes.flows() &&
         (descriptor.orders & ~known_orders) == 0 && (descriptor.facts & chain::Facts::marked) == 0 && what.inner == 0 &&
         (descriptor.state == chain::FlowState::established || descriptor.state == chain::FlowState::fresh) &&
         descriptor.direction <= chain::Direction::reply;
}

/// Others of its flow may still be in the chain: one that gives the flow another mark takes this plan away again, and so does the last
/// one if its status has changed since, in which bits only come.
void Admission::admit(const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch) {
  if (!may_be_admitted(descriptor, what)) return;
  uint32_t const flow = descriptor.flow - 1;
  state::Lane& lane = objects_.lanes.lane(flow);
  if (lane.generation.load() != descriptor.flow_generation) {
    auto const known = look(flow, descriptor.flow_generation);
    if (!known || known->created == descriptor.number || !make(flow, *known, batch)) return;
  }
  state::LaneSide& side = lane.sides[static_cast<size_t>(descriptor.direction)];
  if (state::is_tuple(side.tuple, state::words_of(descriptor.tuple))) plan(side, descriptor, what, batch);
}

void Admission::plan(state::LaneSide& side, const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch) {
  state::MetCounters met_counters;
  memory::copy_out(&met_counters, &objects_.met_counters.slot(descriptor.number, window_), sizeof met_counters);
  auto const words = std::span(met_counters.words).first(std::min<size_t>(met_counters.count, met_counters.words.size()));
  bool const bounded = std::ranges::all_of(words, [&](uint32_t word) { return word + uint64_t{1} < objects_.lanes.words(); });
  if (met_counters.number != descriptor.number || met_counters.count > met_counters.words.size() || !bounded) return;
  for (size_t i = 0; i < side.counters.size(); ++i) batch.set(side.counters[i], i < words.size() ? words[i] + 1 : 0U);
  state::TupleWords const to = state::words_of(what.to);
  for (size_t i = 0; i < to.size() && what.outer != 0; ++i) batch.set(side.to[i], to[i]);
  batch.set(side.rule, descriptor.rule);
  state::LanePlan const made{1, descriptor.in, descriptor.out, descriptor.orders, descriptor.state, what.outer, descriptor.way};
  batch.set(side.plan, std::bit_cast<uint64_t>(made));
}

/// False: it can have none now.
bool Admission::make(uint32_t flow, const Flow& known, memory::Batch& batch) {
  LanesByTuple& lanes = objects_.lanes;
  state::Lane& lane = lanes.lane(flow);
  const auto& [tuples, hashes] = known.keys;
  bool const alone = !objects_.in_chain.has(hashes[0]) && !objects_.in_chain.has(hashes[1]);
  if (!alone) objects_.in_chain.missed();
  bool const stays = objects_.room.is_roomy() || (known.status & state::Status32::assured) != 0;
  if ((!alone && !memory::simulate::mistaken(memory::simulate::Mistake::lane_out_of_turn)) || !stays || tuples[0] == tuples[1]) return false;
  if (lane.generation.load() != 0) lanes.remove(flow, batch);  // of a flow that has gone
  // A packet brings back one lane at most.
  if (answers_another(flow, known)) return false;
  // So has any that had one of these tuples: its lane must not be found before this one.
  for (size_t way = 0; way < 2; ++way)
    if (auto const former = lanes.find(std::bit_cast<packet::Tuple>(tuples[way]), hashes[way])) lanes.remove(former->flow, batch);
  if (!lanes.enter(flow, known.keys, batch)) return false;
  batch.set(lane.status, known.status);
  batch.set(lane.started_ns, known.started_ns);
  if (lane.timeouts.load() != known.timeouts) batch.set(lane.timeouts, known.timeouts);
  take_over(lane, known, batch);
  batch.set(lane.epoch, objects_.room.epoch());
  batch.set(lane.last, uint64_t{0});
  batch.set(lane.away, uint64_t{0});
  std::atomic_thread_fence(std::memory_order_release);
  batch.set(lane.generation, known.generation);
  return true;
}

/// Translated: has a flow a lane to whose packets its own look like the answers?
bool Admission::answers_another(uint32_t flow, const Flow& known) const noexcept {
  for (size_t way = 0; way < 2; ++way) {
    auto const answer = packet::inverse(std::bit_cast<packet::Tuple>(known.keys.tuples[way]));
    auto const hit = answer ? objects_.lanes.find(*answer, known.keys.hashes[way]) : std::nullopt;
    if (hit && hit->flow != flow) return true;
  }
  return false;
}

}  // namespace bulkhead::pktio
