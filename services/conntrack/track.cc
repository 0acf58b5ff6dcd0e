#include "services/conntrack/track.h"

#include <algorithm>

#include "services/conntrack/tcp_state.h"
#include "services/conntrack/timeouts.h"

namespace bulkhead::conntrack {
namespace {

void drop(Descriptor& descriptor, DropReason reason) {
  descriptor.verdict = Verdict::drop;
  descriptor.reason = reason;
}

bool expired(const FlowEntry& entry, uint64_t now_ns) { return entry.expires_ns.load() <= now_ns; }

uint64_t first_timeout(const Descriptor& descriptor, TcpState tcp) {
  switch (descriptor.tuple.protocol) {
    case protocol::tcp: return timeout(tcp);
    case protocol::udp:
    case protocol::udplite: return kUdpUnreplied;
    case protocol::icmp:
    case protocol::icmpv6: return kIcmp;
    default: return kGeneric;
  }
}

}  // namespace

Track::Outcome Track::visit(Descriptor& descriptor, uint64_t hash) noexcept {
  descriptor.gone_first = state_.gone_count.load();
  descriptor.gone_count = 0;
  if (descriptor.kind != Kind::packet) return sweep(descriptor);
  descriptor.state = FlowState::untracked;
  switch (descriptor.shape) {
    case Shape::malformed:
      descriptor.state = FlowState::invalid;
      return Outcome::done;  // pktio has said why it is dropped
    case Shape::not_ip:
    case Shape::fragment: return Outcome::done;
    case Shape::no_tuple: descriptor.state = FlowState::invalid; return Outcome::done;
    case Shape::ip: break;
  }
  if (descriptor.quote == Quote::quoted) return quoted(descriptor, hash);
  switch (tracking(descriptor.tuple)) {
    case Tracking::untracked: return Outcome::done;
    case Tracking::flow:
    case Tracking::answer: return flow_of(descriptor, hash);
    default: break;
  }
  descriptor.state = FlowState::invalid;
  return Outcome::done;
}

bool Track::waits_for(const FlowEntry& entry) const noexcept {
  return (entry.status.load() & Status32::confirmed) == 0 &&
         !simulate::mistaken(simulate::Mistake::hazard_left_out);
}

Track::Outcome Track::flow_of(Descriptor& descriptor, uint64_t hash) noexcept {
  std::optional<FlowTable::Hit> const hit = table_.find(descriptor.tuple, hash);
  if (!hit) return created(descriptor, hash);
  FlowEntry& entry = table_.entry(hit->index);
  if (waits_for(entry)) return Outcome::wait;
  if (!expired(entry, descriptor.time_ns)) return known(descriptor, *hit, hash);
  if (!table_.room_for_gone(1)) return Outcome::wait;
  end(descriptor, hit->index);
  return created(descriptor, hash);
}

Track::Outcome Track::quoted(Descriptor& descriptor, uint64_t hash) noexcept {
  descriptor.state = FlowState::invalid;
  std::optional<FlowTable::Hit> const hit = table_.find(descriptor.tuple, hash);
  if (!hit) return Outcome::done;
  FlowEntry& entry = table_.entry(hit->index);
  if (waits_for(entry)) return Outcome::wait;
  if (expired(entry, descriptor.time_ns)) return Outcome::done;
  descriptor.state = FlowState::related;
  descriptor.flow = hit->index + 1;
  descriptor.flow_generation = entry.generation.load();
  // The error goes against the packet that it quotes.
  descriptor.direction = hit->direction == Direction::original ? Direction::reply : Direction::original;
  return Outcome::done;
}

Track::Outcome Track::known(Descriptor& descriptor, FlowTable::Hit hit, uint64_t hash) noexcept {
  FlowEntry& entry = table_.entry(hit.index);
  if (descriptor.tuple.protocol == protocol::tcp) {
    auto const now = static_cast<TcpState>(entry.protocol_state.load());
    TcpState const next = next_state(now, hit.direction, descriptor.tcp_flags);
    if (next == TcpState::invalid) {
      descriptor.state = FlowState::invalid;
      return Outcome::done;
    }
    if (next == TcpState::syn_sent && now >= TcpState::time_wait) {  // the ports are used anew
      if (!table_.room_for_gone(1)) return Outcome::wait;
      end(descriptor, hit.index);
      return created(descriptor, hash);
    }
  }
  descriptor.flow = hit.index + 1;
  descriptor.flow_generation = entry.generation.load();
  descriptor.direction = hit.direction;
  batch_.touch(entry.stamp);
  refresh(entry, descriptor);
  count(entry, descriptor);
  bool const replied = (entry.status.load() & Status32::seen_reply) != 0;
  descriptor.state = replied ? FlowState::established : FlowState::fresh;
  return Outcome::done;
}

void Track::refresh(FlowEntry& entry, const Descriptor& descriptor) noexcept {
  uint32_t const before = entry.status.load();
  uint32_t status = before | (descriptor.direction == Direction::reply ? Status32::seen_reply : 0);
  uint64_t lives_ns = kGeneric;
  switch (descriptor.tuple.protocol) {
    case protocol::udp:
    case protocol::udplite:
      lives_ns = kUdpUnreplied;
      if ((status & Status32::seen_reply) != 0 &&
          descriptor.time_ns > entry.started_ns.load() + kUdpStreamAge) {
        lives_ns = kUdpStream;
        status |= Status32::assured;
      }
      break;
    case protocol::icmp:
    case protocol::icmpv6: lives_ns = kIcmp; break;
    case protocol::tcp: {
      auto const now = static_cast<TcpState>(entry.protocol_state.load());
      TcpState const next = next_state(now, descriptor.direction, descriptor.tcp_flags);
      TcpState const then = next == TcpState::ignored ? now : next;
      bool const answered = now == TcpState::syn_recv || now == TcpState::established;
      if (answered && then == TcpState::established && (status & Status32::seen_reply) != 0)
        status |= Status32::assured;
      if (then != now) batch_.set(entry.protocol_state, static_cast<uint32_t>(then));
      lives_ns = timeout(then);
      break;
    }
    default: break;
  }
  if (status != before) batch_.set(entry.status, status);
  batch_.set(entry.expires_ns, descriptor.time_ns + lives_ns);
}

void Track::count(FlowEntry& entry, const Descriptor& descriptor) noexcept {
  FlowEntry::Counter& counter = entry.counters[static_cast<size_t>(descriptor.direction)];
  batch_.add(counter.packets, uint64_t{1});
  batch_.add(counter.bytes, uint64_t{descriptor.l3_length});
}

Track::Outcome Track::created(Descriptor& descriptor, uint64_t hash) noexcept {
  std::optional<Tuple> const reply = inverse(descriptor.tuple);
  TcpState tcp = TcpState::none;
  if (descriptor.tuple.protocol == protocol::tcp)
    tcp = next_state(TcpState::none, Direction::original, descriptor.tcp_flags);
  if (!reply || tcp == TcpState::invalid || tracking(descriptor.tuple) != Tracking::flow) {
    descriptor.state = FlowState::invalid;
    return Outcome::done;
  }
  if (table_.used_up() && waits_for_room()) return Outcome::wait;
  std::optional<uint32_t> const index = table_.add(descriptor.tuple, hash, *reply, descriptor.number);
  if (!index) {
    descriptor.state = FlowState::invalid;
    drop(descriptor, DropReason::table_full);
    return Outcome::done;
  }
  FlowEntry& entry = table_.entry(*index);
  batch_.set(entry.protocol_state, static_cast<uint32_t>(tcp));
  batch_.set(entry.started_ns, descriptor.time_ns);
  batch_.set(entry.expires_ns, descriptor.time_ns + first_timeout(descriptor, tcp));
  descriptor.flow = *index + 1;
  descriptor.flow_generation = entry.generation.load();
  descriptor.direction = Direction::original;
  descriptor.state = FlowState::fresh;
  count(entry, descriptor);
  return Outcome::done;
}

bool Track::waits_for_room() const noexcept {
  return state_.unconfirmed.load() != 0 && !simulate::mistaken(simulate::Mistake::hazard_left_out);
}

void Track::end(Descriptor& descriptor, uint32_t index) noexcept {
  table_.remove(index);
  ++descriptor.gone_count;
}

Track::Outcome Track::sweep(Descriptor& tick) noexcept {
  uint32_t const known = state_.fresh.load();
  uint32_t const looked = std::min(kSweep, known);
  if (!table_.room_for_gone(looked)) return Outcome::wait;
  uint32_t const first = state_.sweep.load();
  auto const at = [&](uint32_t i) { return (first + i) % known; };
  for (uint32_t i = 0; i < looked; ++i) {
    const FlowEntry& entry = table_.entry(at(i));
    if ((entry.status.load() & Status32::used) == 0 || !expired(entry, tick.time_ns)) continue;
    if (waits_for(entry)) return Outcome::wait;
    table_.prefetch_buckets(entry);
  }
  for (uint32_t i = 0; i < looked; ++i) {
    const FlowEntry& entry = table_.entry(at(i));
    if ((entry.status.load() & Status32::used) == 0 || !expired(entry, tick.time_ns)) continue;
    end(tick, at(i));
    batch_.add(state_.expired, uint64_t{1});
  }
  if (looked != 0) batch_.set(state_.sweep, at(looked));
  return Outcome::done;
}

}  // namespace bulkhead::conntrack
