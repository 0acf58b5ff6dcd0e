#include "services/pktio/lanes.h"

#include <algorithm>
#include <utility>

#include "common/packet/ip_header.h"
#include "ipc/tracking/lifetime.h"
#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/tcp_track.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kHashes = 32768;
constexpr uint64_t kWorthwhile = 4, kPauseAfterMost = 1 << 18;  // packets by the lane for each that missed it
constexpr uint8_t kJudged = 0x37, kPlain = 0x10;  // FIN, SYN, RST, ACK, URG: of a TCP packet in the lane ACK alone

/// As the in-flight slot keeps it: not 0.
uint32_t kept(uint64_t hash) { return static_cast<uint32_t>(hash) | 1U << 31; }

/// Headers alone, no options: rules cannot tell two such packets of a flow apart but by fields that they ask for by name.
bool is_plain(const chain::Descriptor& descriptor) {
  uint32_t const header = descriptor.tuple.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6;
  bool const tracked = descriptor.tuple.protocol == packet::protocol::udp ||
                       (descriptor.tuple.protocol == packet::protocol::tcp && (descriptor.tcp_flags & kJudged) == kPlain);
  return descriptor.shape == packet::Shape::ip && descriptor.quote == chain::Quote::none && descriptor.verdict == chain::Verdict::accept && tracked &&
         descriptor.l4_offset == descriptor.l3_offset + header && descriptor.largest_fragment == 0;
}

}  // namespace

Lanes::Lanes(const Objects& objects, const control::Settings& settings)
    : objects_(objects),
      table_(objects.state, objects.state_bytes),
      hash_(settings.seed),
      window_(objects.inflight.header.capacity),
      router_(settings.topology.is_router()),
      in_chain_(kHashes),
      pause_after_(window_ / 4) {
  for (const auto& interface : settings.topology.interfaces) mtus_.push_back(interface.mtu);
  // What conntrack may have made of its header since must not lead beyond it.
  if (state::ConntrackState::bytes_for(table_.flows()) > objects.conntrack_bytes) table_ = {};
  if (table_.flows() != 0) flows_ = std::as_const(objects.conntrack).entries(table_.flows());
  counts_.resize(table_.words());
  counted_.reserve(table_.words());
}

void Lanes::resume(uint64_t home, uint64_t sent) {
  std::ranges::fill(in_chain_, uint16_t{0});
  if (table_.flows() == 0) return;
  state::InFlight slot;
  for (uint64_t number = home + 1; number <= sent; ++number) {
    memory::copy_out(&slot, &objects_.inflight.slots()[number & (window_ - 1)], sizeof slot);
    if (slot.hash != 0) ++in_chain(slot.hash);
  }
}

void Lanes::begin(memory::Batch& batch) {
  if (table_.flows() == 0) return;
  state::PktioState& state = objects_.state;
  // No more packets than a window can make entries that have not been counted yet.
  roomy_ = objects_.conntrack.used.load() + 2 * window_ < table_.flows();
  bool const crowded = state.lane_crowded.load() != 0;
  if (roomy_ == !crowded) return;
  batch.set(state.lane_crowded, roomy_ ? 0U : 1U);
  if (!roomy_) batch.set(state.lane_epoch, state.lane_epoch.load() + 1);
}

/// While the table may fill up no lane of a flow that is not assured is good, not even once there is room again.
uint32_t Lanes::epoch() const noexcept {
  uint32_t const now = objects_.state.lane_epoch.load();
  return roomy_ ? now : now - 1;
}

std::optional<Lanes::Hit> Lanes::find(const packet::Tuple& tuple, uint64_t hash) const noexcept {
  state::TupleWords const words = state::words_of(tuple);
  for (const memory::Word<uint64_t>& word : table_.bucket(hash).places) {
    uint64_t const place = word.load();
    if (!state::FlowBucket::may_be(place, hash)) continue;
    uint32_t const flow = state::FlowBucket::index_at(place);
    if (flow < table_.flows() && state::is_tuple(table_.lane(flow).sides[place & 1].tuple, words)) return Hit{flow, state::FlowBucket::way_at(place)};
  }
  return std::nullopt;
}

std::optional<Lanes::Hit> Lanes::find_either(const packet::Tuple& tuple, uint64_t hash) const noexcept {
  if (auto const hit = find(tuple, hash)) return hit;
  // The answer's tuple has the same hash.
  bool const maybe = std::ranges::any_of(table_.bucket(hash).places, [&](const auto& place) { return state::FlowBucket::may_be(place.load(), hash); });
  auto const answer = router_ && maybe ? packet::inverse(tuple) : std::nullopt;
  auto hit = answer ? find(*answer, hash) : std::nullopt;
  if (hit) hit->own = false;
  return hit;
}

bool Lanes::usable(const state::Lane& lane, const state::LanePlan& plan, const chain::Descriptor& descriptor, std::span<const uint8_t> frame) const noexcept {
  if (plan.there == 0 || plan.in != descriptor.in || lane.away.load() != 0) return false;
  if (descriptor.facts != 0 || descriptor.orders != 0 || !is_plain(descriptor)) return false;
  if (lane.expires_ns.load() <= descriptor.time_ns) return false;
  bool const assured = (lane.status.load() & state::Status32::assured) != 0;
  if (!assured && (!roomy_ || lane.epoch.load() != objects_.state.lane_epoch.load())) return false;
  if (!router_) return true;
  size_t const hops = size_t{descriptor.l3_offset} + (descriptor.tuple.l3 == 4 ? 8 : 7);
  return plan.out < mtus_.size() && hops < frame.size() && frame[hops] > 1 && descriptor.l3_length <= mtus_[plan.out];
}

/// As conntrack's track does it. False: there is more to it, and nothing has been changed.
bool Lanes::track(state::Lane& lane, chain::Direction way, const chain::Descriptor& descriptor, memory::Batch& batch) const noexcept {
  uint32_t const status = lane.status.load();
  bool const assured = (status & state::Status32::assured) != 0;
  if (descriptor.tuple.protocol != packet::protocol::tcp) {
    tracking::Lifetime const life = tracking::lifetime(descriptor.tuple.protocol, status, descriptor.time_ns - lane.started_ns.load());
    if (life.assured && !assured) return false;
    batch.set(lane.expires_ns, descriptor.time_ns + life.ns);
    return true;
  }
  tracking::TcpFlow flow = tracking::unpack(tracking::words_of<tracking::TcpFlow::Words>(lane));
  tracking::TcpOutcome const outcome =
      tracking::track_tcp(flow, tracking::segment_of(descriptor, way), status, lane.expires_ns.load() - descriptor.time_ns);
  bool const plain = outcome.fate == tracking::TcpFate::accepted && (assured || !outcome.assured);
  if (!plain || static_cast<uint32_t>(flow.state) != lane.protocol_state.load()) return false;
  tracking::store_protocol(lane, tracking::pack(flow), lane.protocol_state.load(), batch);
  batch.set(lane.expires_ns, descriptor.time_ns + outcome.timeout_ns);
  return true;
}

bool Lanes::pauses(uint64_t home, uint64_t sent) noexcept {
  if (missed_ < pause_after_) return false;
  if (home != sent) return true;
  bool const worthwhile = gone_since_pause_ >= kWorthwhile * missed_;
  pause_after_ = worthwhile ? window_ / 4 : std::min(2 * pause_after_, kPauseAfterMost);
  missed_ = gone_since_pause_ = 0;
  return false;
}

uint64_t Lanes::look_ahead(const packet::Headers& headers) const noexcept {
  if (table_.flows() == 0 || (headers.shape != packet::Shape::ip && headers.shape != packet::Shape::malformed)) return 0;
  uint64_t const hash = hash_(headers.tuple);
  __builtin_prefetch(&table_.bucket(hash));
  return hash;
}

void Lanes::look_near(uint64_t hash) const noexcept {
  if (table_.flows() == 0 || hash == 0) return;
  for (const memory::Word<uint64_t>& word : table_.bucket(hash).places) {
    uint64_t const place = word.load();
    uint32_t const flow = state::FlowBucket::index_at(place);
    if (!state::FlowBucket::may_be(place, hash) || flow >= table_.flows()) continue;
    const state::Lane& lane = table_.lane(flow);
    memory::prefetch<true>(&lane, memory::kCacheLine);
    return memory::prefetch<true>(&lane.sides[place & 1], sizeof(state::LaneSide));
  }
}

bool Lanes::take(chain::Descriptor& descriptor, state::InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, memory::Batch& batch) {
  bool const has_tuple = descriptor.shape == packet::Shape::ip || descriptor.shape == packet::Shape::malformed;
  if (table_.flows() == 0 || !has_tuple || descriptor.verdict != chain::Verdict::accept) return false;
  bool const quoted = descriptor.quote == chain::Quote::quoted;
  auto const tuple = quoted ? packet::inverse(descriptor.tuple) : std::optional(descriptor.tuple);
  if (!tuple) return false;
  if (quoted) hash = hash_(descriptor.tuple);
  if (auto const hit = find_either(*tuple, hash)) {
    state::Lane& lane = table_.lane(hit->flow);
    auto const plan = std::bit_cast<state::LanePlan>(lane.sides[static_cast<size_t>(hit->way)].plan.load());
    if (hit->own && usable(lane, plan, descriptor, frame) && track(lane, hit->way, descriptor, batch)) {
      go(hit->flow, hit->way, plan, descriptor, batch);
      slot.laned = 1;
      return true;
    }
    slot.lane = hit->flow + 1;
    if (lane.away.load() == 0) {
      descriptor.facts |= chain::Facts::laned;
      batch.set(lane.away, descriptor.number);
    } else if (plan.there != 0) {
      ++missed_;
    }
    batch.set(lane.last, descriptor.number);
  }
  slot.hash = kept(hash);
  ++in_chain(slot.hash);
  return false;
}

/// Its counters' words are within bounds: admit() has seen to that, and they are pktio's own.
void Lanes::go(uint32_t flow, chain::Direction way, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch) {
  state::Lane& lane = table_.lane(flow);
  state::LaneSide& side = lane.sides[static_cast<size_t>(way)];
  batch.add(side.counted.packets, uint64_t{1});
  batch.add(side.counted.bytes, uint64_t{descriptor.l3_length});
  for (const memory::Word<uint32_t>& counter : side.counters) {
    uint32_t const word = counter.load();
    if (word == 0) break;
    Count& count = counts_[word - 1];
    if (count.packets++ == 0) counted_.push_back(word - 1);
    count.bytes += descriptor.l3_length;
  }
  ++gone_;
  ++gone_since_pause_;
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

void Lanes::store(memory::Batch& batch) {
  for (uint32_t const word : counted_) {
    Count const count = std::exchange(counts_[word], {});
    batch.add(table_.word(word), count.packets);
    batch.add(table_.word(word + 1), count.bytes);
  }
  counted_.clear();
  if (gone_ != 0) batch.add(objects_.state.lane_packets, std::exchange(gone_, 0));
}

void Lanes::at_home(uint64_t number, chain::Descriptor& descriptor, state::NatEdit& edit) const {
  const state::LanedPacket& packet = objects_.packets.slot(number, window_);
  memory::copy_out(&descriptor, &packet.descriptor, sizeof descriptor);
  if ((descriptor.orders & chain::Orders::translated) == 0) return;
  edit.number = number;
  memory::copy_out(&edit.what, &packet.what, sizeof edit.what);
}

void Lanes::came_home(const chain::Descriptor& descriptor, const state::InFlight& slot, const packet::Rewriting* what, memory::Batch& batch) {
  if (table_.flows() == 0) return;
  if (slot.hash != 0) --in_chain(slot.hash);
  if (slot.lane != 0) back(slot.lane - 1, descriptor, batch);
  if (what != nullptr && (descriptor.facts & chain::Facts::steady) != 0) admit(descriptor, *what, batch);
}

std::optional<Lanes::Flow> Lanes::look(uint32_t flow, uint32_t generation) const noexcept {
  const state::FlowEntry& entry = flows_[flow];
  Flow known;
  bool const good = memory::read_committed(entry.stamp, objects_.conntrack_commit.generation, [&] {
    known = {entry.generation.load(), entry.status.load(), entry.protocol_state.load(), entry.created.load(), entry.expires_ns.load(),
             entry.started_ns.load(), {}, {}, {}};
    for (size_t way = 0; way < 2; ++way) {
      known.tuples[way] = state::words_of(state::tuple_of(entry.tuples[way]));
      known.hashes[way] = entry.hashes[way].load();
    }
    known.protocol_words = tracking::words_of<decltype(known.protocol_words)>(entry);
  });
  constexpr uint32_t wanted = state::Status32::used | state::Status32::confirmed;
  bool const there = good && known.generation == generation && (known.status & wanted) == wanted;
  return there ? std::optional(known) : std::nullopt;
}

/// The last one of its flow that was in the chain: what the flow has become there is taken over.
void Lanes::back(uint32_t flow, const chain::Descriptor& descriptor, memory::Batch& batch) {
  state::Lane& lane = table_.lane(flow);
  if ((descriptor.facts & chain::Facts::marked) != 0)
    for (state::LaneSide& side : lane.sides) batch.set(side.plan, uint64_t{0});
  if (lane.last.load() != descriptor.number) return;
  auto const known = look(flow, lane.generation.load());
  if (!known || known->status != lane.status.load()) return remove(flow, batch);
  take_over(lane, *known, batch);
  batch.set(lane.epoch, epoch());
  std::atomic_thread_fence(std::memory_order_release);
  batch.set(lane.last, uint64_t{0});
  batch.set(lane.away, uint64_t{0});
}

void Lanes::take_over(state::Lane& lane, const Flow& known, memory::Batch& batch) {
  batch.set(lane.expires_ns, known.expires_ns);
  tracking::store_protocol(lane, known.protocol_words, known.protocol_state, batch);
  for (state::LaneSide& side : lane.sides) {
    if (side.counted.packets.load() == 0) continue;
    batch.set(side.counted.packets, uint64_t{0});
    batch.set(side.counted.bytes, uint64_t{0});
  }
}

/// Others of its flow may still be in the chain: one that gives the flow another mark takes this plan away again, and so does the last
/// one if its status has changed since, in which bits only come.
void Lanes::admit(const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch) {
  constexpr uint8_t known_orders = chain::Orders::routed | chain::Orders::translated;
  bool const good = is_plain(descriptor) && descriptor.flow != 0 && descriptor.flow <= table_.flows() &&
                    (descriptor.orders & ~known_orders) == 0 && (descriptor.facts & chain::Facts::marked) == 0 && what.inner == 0 &&
                    (descriptor.state == chain::FlowState::established || descriptor.state == chain::FlowState::fresh) &&
                    descriptor.direction <= chain::Direction::reply;
  if (!good) return;
  uint32_t const flow = descriptor.flow - 1;
  state::Lane& lane = table_.lane(flow);
  if (lane.generation.load() != descriptor.flow_generation) {
    auto const known = look(flow, descriptor.flow_generation);
    if (!known || known->created == descriptor.number || !make(flow, *known, batch)) return;
  }
  state::LaneSide& side = lane.sides[static_cast<size_t>(descriptor.direction)];
  if (!state::is_tuple(side.tuple, state::words_of(descriptor.tuple))) return;
  state::Bumps bumps;
  memory::copy_out(&bumps, &objects_.bumps.slot(descriptor.number, window_), sizeof bumps);
  auto const words = std::span(bumps.words).first(std::min<size_t>(bumps.count, bumps.words.size()));
  bool const bounded = std::ranges::all_of(words, [&](uint32_t word) { return word + uint64_t{1} < table_.words(); });
  if (bumps.number != descriptor.number || bumps.count > bumps.words.size() || !bounded) return;
  for (size_t i = 0; i < side.counters.size(); ++i) batch.set(side.counters[i], i < words.size() ? words[i] + 1 : 0U);
  state::TupleWords const to = state::words_of(what.to);
  for (size_t i = 0; i < to.size() && what.outer != 0; ++i) batch.set(side.to[i], to[i]);
  batch.set(side.rule, descriptor.rule);
  state::LanePlan const plan{1, descriptor.in, descriptor.out, descriptor.orders, descriptor.state, what.outer, descriptor.way};
  batch.set(side.plan, std::bit_cast<uint64_t>(plan));
}

/// False: it can have none now.
bool Lanes::make(uint32_t flow, const Flow& known, memory::Batch& batch) {
  state::Lane& lane = table_.lane(flow);
  bool const alone = in_chain(kept(known.hashes[0])) == 0 && in_chain(kept(known.hashes[1])) == 0;
  if (!alone) ++missed_;
  bool const stays = roomy_ || (known.status & state::Status32::assured) != 0;
  if ((!alone && !memory::simulate::mistaken(memory::simulate::Mistake::lane_out_of_turn)) || !stays || known.tuples[0] == known.tuples[1]) return false;
  if (lane.generation.load() != 0) remove(flow, batch);  // of a flow that has gone
  // A packet brings back one lane at most.
  if (answers_another(flow, known)) return false;
  // So has any that had one of these tuples: its lane must not be found before this one.
  for (size_t way = 0; way < 2; ++way)
    if (auto const former = find(std::bit_cast<packet::Tuple>(known.tuples[way]), known.hashes[way])) remove(former->flow, batch);
  if (!enter(flow, known, batch)) return false;
  batch.set(lane.status, known.status);
  batch.set(lane.started_ns, known.started_ns);
  take_over(lane, known, batch);
  batch.set(lane.epoch, epoch());
  batch.set(lane.last, uint64_t{0});
  batch.set(lane.away, uint64_t{0});
  std::atomic_thread_fence(std::memory_order_release);
  batch.set(lane.generation, known.generation);
  return true;
}

/// Translated: has a flow a lane to whose packets its own look like the answers?
bool Lanes::answers_another(uint32_t flow, const Flow& known) const noexcept {
  for (size_t way = 0; way < 2; ++way) {
    auto const answer = packet::inverse(std::bit_cast<packet::Tuple>(known.tuples[way]));
    auto const hit = answer ? find(*answer, known.hashes[way]) : std::nullopt;
    if (hit && hit->flow != flow) return true;
  }
  return false;
}

/// Under both tuples, without a plan. False: there is no place for one of them.
bool Lanes::enter(uint32_t flow, const Flow& known, memory::Batch& batch) {
  state::Lane& lane = table_.lane(flow);
  for (size_t way = 0; way < 2; ++way) {
    for (size_t i = 0; i < known.tuples[way].size(); ++i) batch.set(lane.sides[way].tuple[i], known.tuples[way][i]);
    batch.set(lane.hashes[way], known.hashes[way]);
    batch.set(lane.sides[way].plan, uint64_t{0});
  }
  if (!insert(flow, chain::Direction::original, known.hashes[0], batch)) return false;
  if (insert(flow, chain::Direction::reply, known.hashes[1], batch)) return true;
  erase(flow, chain::Direction::original, batch);
  return false;
}

bool Lanes::insert(uint32_t flow, chain::Direction way, uint64_t hash, memory::Batch& batch) {
  for (memory::Word<uint64_t>& place : table_.bucket(hash).places) {
    if (place.load() != 0) continue;
    batch.set(place, state::FlowBucket::place_of(flow, way, hash));
    return true;
  }
  return false;
}

void Lanes::erase(uint32_t flow, chain::Direction way, memory::Batch& batch) {
  uint64_t const hash = table_.lane(flow).hashes[static_cast<size_t>(way)].load();
  for (memory::Word<uint64_t>& place : table_.bucket(hash).places)
    if (place.load() == state::FlowBucket::place_of(flow, way, hash)) return batch.set(place, uint64_t{0});
}

void Lanes::remove(uint32_t flow, memory::Batch& batch) {
  batch.set(table_.lane(flow).generation, 0U);
  erase(flow, chain::Direction::original, batch);
  erase(flow, chain::Direction::reply, batch);
}

}  // namespace bulkhead::pktio
