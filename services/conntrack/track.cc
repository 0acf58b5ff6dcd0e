#include "services/conntrack/track.h"

#include <algorithm>

#include "ipc/tracking/lifetime.h"
#include "ipc/tracking/own_reset.h"
#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/tcp_track.h"
#include "services/conntrack/beginning.h"
#include "services/conntrack/sctp_track.h"

namespace bulkhead::conntrack {
namespace {

void drop(chain::Descriptor& descriptor, chain::DropReason reason) {
  descriptor.verdict = chain::Verdict::drop;
  descriptor.reason = reason;
}

}  // namespace

Track::Outcome Track::visit(chain::Descriptor& descriptor, uint64_t hash, const packet::Zones& zones) noexcept {
  zones_ = zones;
  descriptor.gone_first = state_.gone_count.load();
  descriptor.gone_count = 0;
  related_.reset();
  reset_.reset();
  if (descriptor.kind == chain::Kind::piece) return Outcome::done;
  if (descriptor.kind != chain::Kind::packet) return sweep(descriptor);
  if ((descriptor.facts & chain::Facts::laned) != 0) take_back(descriptor, hash);
  descriptor.state = chain::FlowState::untracked;
  bool const dropped = descriptor.verdict == chain::Verdict::drop && descriptor.shape != packet::Shape::malformed;
  // A chain before conntrack has said so.
  if (dropped && (descriptor.facts & chain::Facts::reset) == 0) return flowless(descriptor, chain::FlowState::untracked, hash);
  if (dropped || (descriptor.facts & chain::Facts::untracked) != 0) return refusable(descriptor, chain::FlowState::untracked, hash);
  switch (descriptor.shape) {
    case packet::Shape::malformed: return flowless(descriptor, chain::FlowState::invalid, hash);  // pktio has said why it is dropped, where it is
    case packet::Shape::not_ip: return Outcome::done;
    case packet::Shape::fragment:  // one that reassembly has let pass
    case packet::Shape::no_tuple: return flowless(descriptor, chain::FlowState::invalid, hash);
    case packet::Shape::ip: break;
  }
  if ((descriptor.facts & chain::Facts::bad_checksum) != 0) return flowless(descriptor, chain::FlowState::invalid, hash);
  if (descriptor.quote == chain::Quote::quoted) return quoted(descriptor, hash);
  if (descriptor.tuple.protocol == packet::protocol::tcp && !tracking::possible_flags(descriptor.tcp_flags))
    return refusable(descriptor, chain::FlowState::invalid, hash);
  switch (packet::tracking(descriptor.tuple)) {
    case packet::Tracking::untracked: return flowless(descriptor, chain::FlowState::untracked, hash);
    case packet::Tracking::flow:
    case packet::Tracking::answer: return flow_of(descriptor, hash);
    default: return flowless(descriptor, chain::FlowState::invalid, hash);
  }
}

void Track::confirmed(uint64_t number, const chain::Descriptor& next) noexcept {
  confirmed_ = number;
  if (sample_number_ > number) return;
  since_ns_ = sample_ns_;
  sample_number_ = next.number;
  sample_ns_ = next.time_ns;
}

bool Track::expired(uint32_t index, const chain::Descriptor& now) const noexcept {
  const state::FlowEntry& entry = table_.entry(index);
  bool const own = entry.expires_ns.load() <= now.time_ns;
  // A lane lets its flow live longer; TCP's may have shortened its life too.
  bool const may_differ = own || entry.protocol_state.load() != 0;
  if (!may_differ || index >= lanes_.flows()) return own;
  std::optional<bool> const laned = state::lives(std::as_const(lanes_).lane(index), entry.generation.load(), now.number, now.time_ns);
  return laned ? !*laned : own;
}

/// Its own flow, or that of its answer: the one whose lane says so.
void Track::take_back(const chain::Descriptor& descriptor, uint64_t hash) noexcept {
  for (auto const& tuple : {std::optional(descriptor.tuple), packet::inverse(descriptor.tuple)})
    if (auto const hit = tuple ? table_.find(*tuple, hash) : std::nullopt) adopt(hit->index, descriptor);
}

/// Once, though the visit may have to be made again.
void Track::adopt(uint32_t index, const chain::Descriptor& descriptor) noexcept {
  if (index >= lanes_.flows()) return;
  state::FlowEntry& entry = table_.entry(index);
  const state::Lane& lane = lanes_.lane(index);
  uint64_t const away = lane.away.acquire();
  if (lane.generation.load() != entry.generation.load() || away > descriptor.number || entry.adopted.load() >= away) return;
  batch_.touch(entry.stamp);
  batch_.set(entry.adopted, descriptor.number);
  batch_.set(entry.expires_ns, lane.expires_ns.load());
  for (size_t way = 0; way < 2; ++way) {
    const state::FlowEntry::Counter& more = lane.sides[way].counted;
    if (more.packets.load() == 0) continue;
    batch_.add(entry.counters[way].packets, more.packets.load());
    batch_.add(entry.counters[way].bytes, more.bytes.load());
  }
  if (state::tuple_of(entry.tuples[0]).protocol == packet::protocol::tcp)
    tracking::store_protocol(entry, tracking::words_of<tracking::TcpFlow::Words>(lane), lane.protocol_state.load(), batch_);
}

Track::Outcome Track::refusable(chain::Descriptor& descriptor, chain::FlowState state, uint64_t hash) noexcept {
  if (flowless(descriptor, state, hash) == Outcome::wait) return Outcome::wait;
  expect_reset(descriptor);
  return Outcome::done;
}

void Track::expect_reset(const chain::Descriptor& descriptor) noexcept {
  bool const tcp = descriptor.shape == packet::Shape::ip && descriptor.tuple.protocol == packet::protocol::tcp;
  if (!tcp || resets_ == Resets::none || !related_) return;
  state::FlowEntry& entry = table_.entry(related_->index);
  reset_ = tracking::track_own_reset(descriptor, entry, related_->direction, policies_).outcome;
  bool const ends = reset_->fate == tracking::TcpFate::ended || (reset_->fate == tracking::TcpFate::invalid && reset_->timeout_ns != 0);
  batch_.touch(entry.stamp);
  batch_.set(entry.may_close, descriptor.number | (ends ? state::FlowEntry::kMayEnd : 0));
}

Track::Outcome Track::flow_of(chain::Descriptor& descriptor, uint64_t hash) noexcept {
  if (changes(descriptor) == Outcome::wait) return Outcome::wait;
  std::optional<FlowTable::Hit> hit;
  if (find(descriptor.tuple, hash, zones_, hit) == Outcome::wait) return Outcome::wait;
  // A tuple that is its own answer is found as the answer, which the kernel has entered last.
  if (hit && descriptor.tuple.src == descriptor.tuple.dst && state::tuple_of(table_.entry(hit->index).tuples[1]) == descriptor.tuple)
    hit->direction = chain::Direction::reply;
  if (!hit) {
    if (flights_.may_answer(descriptor.tuple)) return Outcome::wait;
    auto const begun = begin_flow(descriptor, zones_);
    return begun ? create(descriptor, hash, *begun) : begins_none(descriptor, hash);
  }
  return expired(hit->index, descriptor) ? replaces(descriptor, hit->index, hash) : known(descriptor, *hit, hash);
}

/// The kernel has made room for it by the time it sees that (init_conntrack).
Track::Outcome Track::begins_none(chain::Descriptor& descriptor, uint64_t hash) noexcept {
  if (table_.used_up()) {
    // It waits for what it would be quoted as before anything has changed, and looks that up again when it has.
    if (flowless(descriptor, chain::FlowState::invalid, hash) == Outcome::wait || make_room(descriptor) == Outcome::wait) return Outcome::wait;
    related_.reset();
    if (table_.used_up_for_good()) {
      drop(descriptor, chain::DropReason::table_full);
      return Outcome::done;
    }
  }
  return refusable(descriptor, chain::FlowState::invalid, hash);
}

Track::Outcome Track::replaces(chain::Descriptor& descriptor, uint32_t index, uint64_t hash) noexcept {
  if (!table_.room_for_gone(1)) return Outcome::wait;
  auto const begun = begin_flow(descriptor, zones_);
  // It waits for what it would be quoted as before anything has changed.
  if (!begun && flowless(descriptor, chain::FlowState::invalid, hash, index) == Outcome::wait) return Outcome::wait;
  end(descriptor, index);
  if (begun) return create(descriptor, hash, *begun);
  expect_reset(descriptor);
  return Outcome::done;
}

Track::Outcome Track::quoted(chain::Descriptor& descriptor, uint64_t hash) noexcept {
  if (changes(descriptor) == Outcome::wait) return Outcome::wait;  // not this one, but a reset in the chain may what it reads
  descriptor.state = chain::FlowState::invalid;
  std::optional<FlowTable::Hit> hit;
  if (find_quoted(descriptor, hash, kNone, zones_, hit) == Outcome::wait) return Outcome::wait;
  if (!hit) return may_go_flowless(descriptor);
  descriptor.state = chain::FlowState::related;
  descriptor.flow = hit->index + 1;
  descriptor.flow_generation = table_.entry(hit->index).generation.load();
  descriptor.direction = hit->direction;  // that of the answer: against the packet that it quotes
  return Outcome::done;
}

Track::Outcome Track::find_quoted(const chain::Descriptor& descriptor, uint64_t hash, uint32_t ending, const packet::Zones& zones, std::optional<FlowTable::Hit>& found) noexcept {
  // The flow is found as its answer would be, since NAT may have given that another tuple.
  std::optional<packet::Tuple> const answer = packet::inverse(descriptor.tuple);
  std::optional<FlowTable::Hit> hit;
  if (answer && find(*answer, hash, zones, hit) == Outcome::wait) return Outcome::wait;
  if (!hit || hit->index == ending) return answer && flights_.may_answer(*answer) ? Outcome::wait : Outcome::done;
  if (!expired(hit->index, descriptor)) found = hit;
  return Outcome::done;
}

bool Track::may_be_answered(const chain::Descriptor& descriptor) const noexcept {
  bool const tells = (descriptor.orders & chain::Orders::answered) != 0 || descriptor.reason == chain::DropReason::bad_option;
  return answers_ && (descriptor.verdict == chain::Verdict::accept || tells);
}

Track::Outcome Track::may_go_flowless(const chain::Descriptor& descriptor) noexcept {
  if (!waits_flowless_ || !may_be_answered(descriptor)) return Outcome::done;
  // A reset about it would change the table too, and so has it itself that came as a flow's.
  bool const changes_it = state_.changed.load() == descriptor.number || (descriptor.tuple.protocol == packet::protocol::tcp && resets_ != Resets::none);
  bool const free = changes_it ? confirmed_ + 1 == descriptor.number : state_.changed.load() <= confirmed_;
  if (!free) return Outcome::wait;
  batch_.set(state_.flowless, descriptor.number);
  if (changes_it) batch_.set(state_.changed, descriptor.number);
  return Outcome::done;
}

/// It says so though it may have to wait yet: then it comes again.
Track::Outcome Track::changes(const chain::Descriptor& descriptor) noexcept {
  if (!waits_flowless_) return Outcome::done;
  if (state_.flowless.load() > confirmed_ && state_.flowless.load() != descriptor.number) return Outcome::wait;
  batch_.set(state_.changed, descriptor.number);
  return Outcome::done;
}

Track::Outcome Track::flowless(chain::Descriptor& descriptor, chain::FlowState state, uint64_t hash, uint32_t ending) noexcept {
  descriptor.state = state;
  if (may_go_flowless(descriptor) == Outcome::wait) return Outcome::wait;
  bool const has_tuple = (descriptor.shape == packet::Shape::ip || descriptor.shape == packet::Shape::malformed) && descriptor.quote == chain::Quote::none;
  if (!has_tuple || !may_be_answered(descriptor)) return Outcome::done;
  // An answer is in no zone, whatever the packet was.
  descriptor.tuple.zone = 0;
  if (zones_.original != 0) hash = table_.hash(descriptor.tuple);
  return find_quoted(descriptor, hash, ending, {}, related_);
}

Track::Outcome Track::known(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept {
  if (descriptor.tuple.protocol == packet::protocol::tcp) return known_tcp(descriptor, hit, hash);
  if (descriptor.tuple.protocol == packet::protocol::sctp) return known_sctp(descriptor, hit, hash);
  state::FlowEntry& entry = table_.entry(hit.index);
  belongs(descriptor, hit);
  batch_.touch(entry.stamp);
  tracking::Lifetime const life = tracking::lifetime(descriptor.tuple.protocol, entry.status.load(),
                                 descriptor.time_ns - entry.started_ns.load(), timeouts(entry));
  note(entry, descriptor, life.assured ? state::Status32::assured : 0, life.ns);
  return Outcome::done;
}

Track::Outcome Track::known_tcp(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept {
  state::FlowEntry& entry = table_.entry(hit.index);
  tracking::TcpFlow flow = tracking::unpack(tracking::words_of<tracking::TcpFlow::Words>(entry));
  tracking::TcpOutcome const outcome = tracking::track_tcp(flow, tracking::segment_of(descriptor, hit.direction), entry.status.load(),
                                       entry.expires_ns.load() - descriptor.time_ns, timeouts(entry));
  bool const over = outcome.fate == tracking::TcpFate::anew || outcome.fate == tracking::TcpFate::ended;
  if (over && !table_.room_for_gone(1)) return Outcome::wait;
  if (outcome.fate == tracking::TcpFate::anew) return replaces(descriptor, hit.index, hash);
  bool const invalid = outcome.fate == tracking::TcpFate::invalid;
  if (invalid && flowless(descriptor, chain::FlowState::invalid, hash) == Outcome::wait) return Outcome::wait;
  batch_.touch(entry.stamp);
  tracking::store_protocol(entry, pack(flow), static_cast<uint32_t>(flow.state), batch_);
  if (invalid) {
    if (outcome.timeout_ns != 0) batch_.set(entry.expires_ns, descriptor.time_ns + outcome.timeout_ns);
    expect_reset(descriptor);
    return Outcome::done;
  }
  belongs(descriptor, hit);
  bool const resettable = resets_ == Resets::any || (resets_ == Resets::others && descriptor.state != chain::FlowState::established);
  if (resettable) batch_.set(entry.may_close, descriptor.number);
  switch (outcome.fate) {
    case tracking::TcpFate::ended: end(descriptor, hit.index); break;
    case tracking::TcpFate::kept: set_status(entry, descriptor, 0); break;
    default: note(entry, descriptor, outcome.assured ? state::Status32::assured : 0, outcome.timeout_ns); break;
  }
  return Outcome::done;
}

Track::Outcome Track::known_sctp(chain::Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept {
  using Fate = SctpOutcome::Fate;
  state::FlowEntry& entry = table_.entry(hit.index);
  SctpFlow flow = unpack(tracking::words_of<SctpFlow::Words>(entry));
  SctpOutcome const outcome = track_sctp(flow, descriptor.sctp, hit.direction, true);
  uint32_t const status = outcome.assured ? state::Status32::assured : 0;
  bool const invalid = outcome.fate == Fate::invalid;
  if (invalid && flowless(descriptor, chain::FlowState::invalid, hash) == Outcome::wait) return Outcome::wait;
  batch_.touch(entry.stamp);
  tracking::store_protocol(entry, pack(flow), static_cast<uint32_t>(flow.state), batch_);
  if (invalid) {
    set_status(entry, descriptor, status);
    return Outcome::done;
  }
  belongs(descriptor, hit);
  if (outcome.fate == Fate::kept) set_status(entry, descriptor, status);
  else note(entry, descriptor, status, outcome.timeout_ns);
  return Outcome::done;
}

void Track::belongs(chain::Descriptor& descriptor, FlowTable::Hit hit) noexcept {
  const state::FlowEntry& entry = table_.entry(hit.index);
  bool const replied = hit.direction == chain::Direction::reply || (entry.status.load() & state::Status32::seen_reply) != 0;
  descriptor.flow = hit.index + 1;
  descriptor.flow_generation = entry.generation.load();
  descriptor.direction = hit.direction;
  descriptor.tuple.zone = hit.direction == chain::Direction::reply ? zones_.reply : zones_.original;
  descriptor.state = replied ? chain::FlowState::established : chain::FlowState::fresh;
}

void Track::note(state::FlowEntry& entry, const chain::Descriptor& descriptor, uint32_t more_status, uint64_t lives_ns) noexcept {
  set_status(entry, descriptor, more_status);
  batch_.set(entry.expires_ns, descriptor.time_ns + lives_ns);
  count(entry, descriptor);
}

void Track::set_status(state::FlowEntry& entry, const chain::Descriptor& descriptor, uint32_t more) noexcept {
  uint32_t const before = entry.status.load();
  if (descriptor.direction == chain::Direction::reply) more |= state::Status32::seen_reply;
  if ((before | more) != before) batch_.set(entry.status, before | more);
}

void Track::count(state::FlowEntry& entry, const chain::Descriptor& descriptor) noexcept {
  state::FlowEntry::Counter& counter = entry.counters[static_cast<size_t>(descriptor.direction)];
  batch_.add(counter.packets, uint64_t{1});
  batch_.add(counter.bytes, uint64_t{descriptor.l3_length});
}

Track::Outcome Track::create(chain::Descriptor& descriptor, uint64_t hash, const Beginning& begun) noexcept {
  if (table_.used_up() && make_room(descriptor) == Outcome::wait) return Outcome::wait;
  bool const refused = refusals_.has(descriptor, hash);
  if (foresees_ && !refused) fates_.begins(descriptor.number, is_alone(begun.reply, hash));
  std::optional<uint32_t> const index =
      table_.add(descriptor.tuple, hash, begun.reply, descriptor.number, refused ? FlowTable::Found::apart : FlowTable::Found::by_tuples);
  if (!index) {
    descriptor.state = chain::FlowState::invalid;
    drop(descriptor, chain::DropReason::table_full);
    return Outcome::done;
  }
  state::FlowEntry& entry = table_.entry(*index);
  belongs(descriptor, {*index, chain::Direction::original});
  descriptor.facts |= chain::Facts::begins;
  if (!refused) flights_.begin(descriptor.tuple);
  batch_.set(entry.started_ns, descriptor.time_ns);
  tracking::store_protocol(entry, std::span(begun.protocol_words).first(begun.words), begun.state, batch_);
  note(entry, descriptor, begun.status, begun.lives_ns);
  return Outcome::done;
}

Track::Outcome Track::make_room(chain::Descriptor& descriptor) noexcept {
  if (waits_for_room()) return Outcome::wait;
  if (!table_.used_up_for_good()) return Outcome::done;
  if (!table_.room_for_gone(1)) return Outcome::wait;
  uint32_t const first = state_.evict.load();
  uint32_t const looked = std::min(kEvictionLook, table_.capacity());
  auto const at = [&](uint32_t i) { return (first + i) % table_.capacity(); };
  for (uint32_t i = 0; i < looked; ++i) {
    const state::FlowEntry& entry = table_.entry(at(i));
    if (may_have_expired(entry, descriptor.time_ns)) return Outcome::wait;
    if ((entry.status.load() & state::Status32::assured) != 0 && !expired(at(i), descriptor)) continue;
    end(descriptor, at(i));
    batch_.set(state_.evict, at(i + 1));
    batch_.add(state_.evicted, uint64_t{1});
    return Outcome::done;
  }
  batch_.set(state_.evict, at(looked));
  return Outcome::done;
}

void Track::end(chain::Descriptor& descriptor, uint32_t index) noexcept {
  const state::FlowEntry& entry = table_.entry(index);
  if ((entry.status.load() & state::Status32::foreseen) != 0) {  // confirm will not find it
    flights_.end(state::tuple_of(entry.tuples[0]));
    batch_.add(state_.unconfirmed, ~0U);
  }
  table_.remove(index);
  ++descriptor.gone_count;
}

Track::Outcome Track::sweep(chain::Descriptor& tick) noexcept {
  uint32_t const known = state_.fresh.load();
  uint32_t const looked = std::min(kSweep, known);
  if (!table_.room_for_gone(looked)) return Outcome::wait;
  uint32_t const first = state_.sweep.load();
  auto const at = [&](uint32_t i) { return (first + i) % known; };
  for (uint32_t i = 0; i < looked; ++i) {
    const state::FlowEntry& entry = table_.entry(at(i));
    if ((entry.status.load() & state::Status32::used) == 0) continue;
    if (may_have_expired(entry, tick.time_ns)) return Outcome::wait;
    if (!expired(at(i), tick)) continue;
    if (waits_for(entry) || changes(tick) == Outcome::wait) return Outcome::wait;
    table_.prefetch_buckets(entry);
  }
  for (uint32_t i = 0; i < looked; ++i) {
    const state::FlowEntry& entry = table_.entry(at(i));
    if ((entry.status.load() & state::Status32::used) == 0 || !expired(at(i), tick)) continue;
    end(tick, at(i));
    batch_.add(state_.expired, uint64_t{1});
  }
  if (looked != 0) batch_.set(state_.sweep, at(looked));
  return Outcome::done;
}

}  // namespace bulkhead::conntrack
