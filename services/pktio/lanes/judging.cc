#include "services/pktio/lanes/judging.h"

#include <utility>

#include "ipc/tracking/lifetime.h"
#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/tcp_track.h"
#include "services/pktio/lanes/plain.h"

namespace bulkhead::pktio {

Judging::Judging(const Objects& objects, const control::Settings& settings, uint64_t window)
    : objects_(objects), window_(window), router_(settings.topology.is_router()), policies_(settings.ruleset.timeouts), counts_(objects.lanes.words()) {
  for (const auto& interface : settings.topology.interfaces) mtus_.push_back(interface.mtu);
  counted_.reserve(counts_.size());
}

bool Judging::take(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, memory::Batch& batch) {
  bool const has_tuple = descriptor.shape == packet::Shape::ip || descriptor.shape == packet::Shape::malformed;
  if (objects_.lanes.flows() == 0 || !has_tuple || descriptor.verdict != chain::Verdict::accept) return false;
  bool const quoted = descriptor.quote == chain::Quote::quoted;
  auto const tuple = quoted ? packet::inverse(descriptor.tuple) : std::optional(descriptor.tuple);
  if (!tuple) return false;
  if (quoted) hash = objects_.lanes.hash(descriptor.tuple);
  if (auto const hit = objects_.lanes.find_either(*tuple, hash)) {
    state::Lane& lane = objects_.lanes.lane(hit->flow);
    auto const plan = std::bit_cast<state::LanePlan>(lane.sides[static_cast<size_t>(hit->way)].plan.load());
    if (hit->own && usable(lane, plan, descriptor, frame) && track(lane, hit->way, descriptor, batch)) {
      go(hit->flow, hit->way, plan, descriptor, batch);
      slot.laned = 1;
      return true;
    }
    slot.lane = hit->flow + 1;
    take_back(lane, plan, descriptor, batch);
  }
  slot.hash = InChain::kept(hash);
  objects_.in_chain.enters(slot.hash);
  return false;
}

void Judging::take_back(state::Lane& lane, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch) {
  if (lane.away.load() == 0) {
    descriptor.facts |= chain::Facts::laned;
    batch.set(lane.away, descriptor.number);
  } else if (plan.there != 0) {
    objects_.in_chain.missed();
  }
  batch.set(lane.last, descriptor.number);
}

bool Judging::usable(const state::Lane& lane, const state::LanePlan& plan, const chain::Descriptor& descriptor, std::span<const uint8_t> frame) const noexcept {
  if (plan.there == 0 || plan.in != descriptor.in || lane.away.load() != 0) return false;
  if (descriptor.facts != 0 || descriptor.orders != 0 || !is_lane_plain(descriptor)) return false;
  if (lane.expires_ns.load() <= descriptor.time_ns) return false;
  bool const assured = (lane.status.load() & state::Status32::assured) != 0;
  if (!assured && !objects_.room.keeps(lane)) return false;
  if (!router_) return true;
  size_t const hops = size_t{descriptor.l3_offset} + (descriptor.tuple.l3 == 4 ? 8 : 7);
  return plan.out < mtus_.size() && hops < frame.size() && frame[hops] > 1 && descriptor.l3_length <= mtus_[plan.out];
}

/// As conntrack's track does it. False: there is more to it, and nothing has been changed.
bool Judging::track(state::Lane& lane, chain::Direction way, const chain::Descriptor& descriptor, memory::Batch& batch) const noexcept {
  uint32_t const status = lane.status.load();
  bool const assured = (status & state::Status32::assured) != 0;
  const tracking::Timeouts& timeouts = policies_.of(lane.timeouts.load());
  if (descriptor.tuple.protocol != packet::protocol::tcp) {
    tracking::Lifetime const life = tracking::lifetime(descriptor.tuple.protocol, status, descriptor.time_ns - lane.started_ns.load(), timeouts);
    if (life.assured && !assured) return false;
    batch.set(lane.expires_ns, descriptor.time_ns + life.ns);
    return true;
  }
  tracking::TcpFlow flow = tracking::unpack(tracking::words_of<tracking::TcpFlow::Words>(lane));
  tracking::TcpOutcome const outcome =
      tracking::track_tcp(flow, tracking::segment_of(descriptor, way), status, lane.expires_ns.load() - descriptor.time_ns, timeouts);
  bool const plain = outcome.fate == tracking::TcpFate::accepted && (assured || !outcome.assured);
  if (!plain || static_cast<uint32_t>(flow.state) != lane.protocol_state.load()) return false;
  tracking::store_protocol(lane, tracking::pack(flow), lane.protocol_state.load(), batch);
  batch.set(lane.expires_ns, descriptor.time_ns + outcome.timeout_ns);
  return true;
}

void Judging::go(uint32_t flow, chain::Direction way, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch) {
  state::Lane& lane = objects_.lanes.lane(flow);
  state::LaneSide& side = lane.sides[static_cast<size_t>(way)];
  count(side, descriptor.l3_length, batch);
  descriptor.state = plan.state;
  descriptor.direction = way;
  descriptor.flow = flow + 1;
  descriptor.flow_generation = lane.generation.load();
  descriptor.out = plan.out;
  descriptor.way = plan.way;
  descriptor.orders = plan.orders;
  descriptor.rule = side.rule.load();
  state::LanedPacket& packet = objects_.packets.slot(descriptor.number, window_);
  memory::copy_in(&packet.descriptor, &descriptor, sizeof descriptor);
  if ((plan.orders & chain::Orders::translated) == 0) return;
  packet::Rewriting const what{plan.outer, 0, state::tuple_of(side.to), {}};
  memory::copy_in(&packet.what, &what, sizeof what);
}

/// The words are within bounds: admission has seen to that, and they are pktio's own.
void Judging::count(state::LaneSide& side, uint32_t bytes, memory::Batch& batch) {
  batch.add(side.counted.packets, uint64_t{1});
  batch.add(side.counted.bytes, uint64_t{bytes});
  for (const memory::Word<uint32_t>& counter : side.counters) {
    uint32_t const word = counter.load();
    if (word == 0) break;
    Count& gathered = counts_[word - 1];
    if (gathered.packets++ == 0) counted_.push_back(word - 1);
    gathered.bytes += bytes;
  }
  ++gone_;
  objects_.in_chain.went_by_lane();
}

void Judging::store(memory::Batch& batch) {
  for (uint32_t const word : counted_) {
    Count const count = std::exchange(counts_[word], {});
    batch.add(objects_.lanes.word(word), count.packets);
    batch.add(objects_.lanes.word(word + 1), count.bytes);
  }
  counted_.clear();
  if (gone_ != 0) batch.add(objects_.state.lane_packets, std::exchange(gone_, 0));
}

}  // namespace bulkhead::pktio
