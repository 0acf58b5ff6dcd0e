#include "services/pktio/in/receive.h"

#include <algorithm>

#include "services/pktio/in/facts.h"
#include "services/pktio/in/stamps.h"
#include "services/pktio/out/cut.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kWordsEach = Lanes::kWordsToGo + 1024;  // and what a batch changes at its end

bool is_large(size_t captured) { return captured > chain::Pool::kSmallBytes; }

}  // namespace

Receive::Receive(const Objects& objects, const control::Settings& settings)
    : state_(objects.state),
      inflight_(objects.inflight),
      pool_(objects.pool),
      window_(objects.inflight.header.capacity),
      router_(settings.topology.is_router()),
      pieces_(settings.ruleset.pieces),
      routes_(router_ ? std::make_unique<const Routes>(settings.topology) : nullptr),
      reassembles_(settings.ruleset.reassembles),
      explained_(settings.explained),
      asked_(links_in(objects.state).asked),
      reassembly_(objects.reassembly),
      lanes_(objects.lanes),
      ports_(settings.interfaces.size()) {
  for (const auto& interface : settings.topology.interfaces) mtus_.push_back(interface.mtu);
  if (settings.strict_mac)
    for (const auto& interface : settings.topology.interfaces) own_macs_.push_back(interface.mac);
}

void Receive::resume(std::vector<std::unique_ptr<Source>> sources) {
  number_ = state_.next_number.load();
  time_ns_ = state_.time_ns.load();
  tick_time_ns_ = state_.tick_time_ns.load();
  since_tick_ = state_.since_tick.load();
  large_taken_ = state_.large_taken.load();
  packets_ = state_.packets.load();
  bytes_ = state_.bytes.load();
  mended_ = {};
  for (size_t i = 0; i < ports_.size(); ++i) {
    ports_[i] = Port{};
    ports_[i].source = std::move(sources[i]);
    if (!ports_[i].source) ports_[i].now = Source::State::ended;
  }
}

Receive::Port* Receive::earliest() {
  Port* first = nullptr;
  if (read_enough()) return nullptr;
  for (Port& port : ports_) {
    if (port.now == Source::State::waiting) {
      port.now = port.source->peek(port.next);
      if (port.now == Source::State::ready) look(port);
      if (port.now == Source::State::ended || port.now == Source::State::failed) port.moved = true;
    }
    if (port.now == Source::State::waiting) return nullptr;
    if (port.now == Source::State::ready && (first == nullptr || is_earlier(port.next.stamp_ns, first->next.stamp_ns)))
      first = &port;
  }
  return first;
}

void Receive::look(Port& port) const {
  std::span<const uint8_t> const bytes(port.next.bytes, port.next.captured);
  port.headers = packet::parse(bytes, port.next.wire, port.source->link());
  port.reason = reason_before_hooks(bytes, port.next.wire, port.headers, router_);
  if (!own_macs_.empty() && !is_for(own_macs_[in_of(port)], bytes, port.source->link())) port.reason = chain::DropReason::not_ours;
  port.fragment.reset();
  port.asks = false;
  bool const may_be = port.reason == chain::DropReason::none && packet::may_be_fragment(bytes, port.headers);
  if (may_be && is_put_together(port.headers)) [[unlikely]] {
    port.fragment = packet::fragment_of(bytes, port.headers, in_of(port));
    port.asks = port.fragment && (pieces_ || !reassembles_[port.headers.tuple.l3 == 6 ? 1 : 0]);
    if (!port.fragment && port.headers.first_fragment()) see_through_fragment(port);
  }
  port.hash = lanes_.look_ahead(port.headers);
}

/// Where something tracks; and IPv4's by a router, where they are for itself: behind its prerouting hook (ip_local_deliver).
bool Receive::is_put_together(const packet::Headers& headers) const {
  if (reassembles_[headers.tuple.l3 == 6 ? 1 : 0]) return true;
  return router_ && headers.tuple.l3 == 4 && routes_->is_local({headers.tuple.dst, 4});
}

/// Of IPv6's, one that nobody puts together is looked into as if it were all (Linux get_l4proto). Its checksum is none of its bytes' then.
void Receive::see_through_fragment(Port& port) const {
  if (port.headers.tuple.l3 != 6 || port.headers.l4_offset < 8) return;
  std::vector<uint8_t> copy(port.next.bytes, port.next.bytes + port.next.captured);
  store_be16(copy.data() + port.headers.l4_offset - 6, 0);
  port.headers = packet::parse(copy, port.next.wire, port.source->link());
}

uint8_t Receive::in_of(const Port& port) const { return static_cast<uint8_t>(&port - ports_.data()); }

/// Nothing behind the packet that is to be explained matters, unless it is a fragment that still waits for others.
bool Receive::read_enough() const {
  if (explained_.packet == 0 || explained_.interface >= ports_.size()) return false;
  const Port& port = ports_[explained_.interface];
  return port.source && port.source->position().packets >= explained_.packet && !reassembly_.given_up_at();
}

bool Receive::sources_ended() const {
  return read_enough() || std::all_of(ports_.begin(), ports_.end(), [](const Port& port) {
    return port.now == Source::State::ended || port.now == Source::State::failed;
  });
}

bool Receive::gives_up(const Port* port) const {
  auto const at = reassembly_.given_up_at();
  if (!at) return false;
  return port == nullptr ? sources_ended() : *at <= std::max(time_ns_, clock_of(port->next.stamp_ns));
}

bool Receive::has_large_cell(uint64_t large_home) const { return large_taken_ - large_home < chain::Pool::kLargeCells; }

/// A fragment may be the last one that its datagram lacks, which may need a large cell.
bool Receive::fits(const Port& port, uint64_t large_home) const {
  if (port.fragment && !reassembly_.fits(port.next)) return false;
  return (!port.fragment && !is_large(port.next.captured)) || has_large_cell(large_home);
}

bool Receive::ready(uint64_t home, uint64_t large_home) {
  if (number_ - home + 2 > window_ || lanes_.pauses(home, number_)) return false;
  const Port* port = earliest();
  if (gives_up(port)) return true;
  if (port != nullptr) return fits(*port, large_home) && !waits(*port, home);
  return std::any_of(ports_.begin(), ports_.end(), [](const Port& p) { return p.moved; });
}

bool Receive::tick_due(const Arrival& arrival) const {
  uint64_t const time_ns = std::max(time_ns_, clock_of(arrival.stamp_ns));
  return since_tick_ >= kTickEvery || time_ns / kSecond != tick_time_ns_ / kSecond;
}

uint64_t Receive::some(chain::Outlet& out, memory::Batch& batch, uint64_t most, uint64_t home, uint64_t large_home) {
  uint64_t const first = number_;
  most = std::max<uint64_t>(most, 2);
  lanes_.begin(batch);
  // A packet and the tick before it go together, so two numbers must fit. What is held has none, and takes its turn too.
  for (uint64_t done = 0; done < most && number_ - first + 2 <= most && number_ - home + 2 <= window_ && out.room(2) >= 2 &&
                          batch.room() >= kWordsEach && !lanes_.pauses(home, number_);
       ++done) {
    Port* port = earliest();
    if (gives_up(port)) {
      send_lost(reassembly_.give_up(batch), out);
      continue;
    }
    if (port != nullptr && asks(*port)) {
      if (!fits(*port, large_home)) break;
      if (tick_due(port->next)) tick(std::max(time_ns_, port->next.stamp_ns), out);
      ask(*port, out, batch);
      break;
    }
    if (port != nullptr && waits(*port, home)) break;
    if (port != nullptr && port->fragment && reassembly_.is_too_far(*port->fragment)) {
      send_lost(reassembly_.give_up(*port->fragment, batch), out);
      continue;
    }
    if (port == nullptr || !fits(*port, large_home)) break;
    if (tick_due(port->next)) tick(std::max(time_ns_, clock_of(port->next.stamp_ns)), out);
    next(*port, out, batch);
  }
  return number_ - first;
}

void Receive::tick(uint64_t time_ns, chain::Outlet& out) {
  time_ns_ = tick_time_ns_ = time_ns;
  since_tick_ = 0;
  send_event({}, out);
}

/// With a tick of their own.
void Receive::send_lost(uint32_t chain, chain::Outlet& out) {
  InFlight slot{};
  slot.fragments = chain;
  slot.fragments_reason = chain::DropReason::fragments_missing;
  send_event(slot, out);
}

void Receive::next(Port& port, chain::Outlet& out, memory::Batch& batch) {
  time_ns_ = std::max(time_ns_, clock_of(port.next.stamp_ns));
  bool const asked = port.fragment && asked_.number.load() != 0;
  bool const goes_on = !asked || asked_.answer.load() == FragmentLinks::Asked::passes;  // otherwise home has said what became of it
  if (asked) batch.set(asked_.number, uint64_t{0});
  if (port.fragment && goes_on) fragment(port, *port.fragment, asked ? asked_.mark.load() : 0, out, batch);
  else if (!port.fragment) packet(port, {}, out, batch);
  port.bytes += port.next.wire;
  port.moved = true;
  ++since_tick_;
  ++packets_;
  bytes_ += port.next.wire;
  port.source->advance();
  port.now = Source::State::waiting;
}

void Receive::packet(const Port& port, const Spoilt& spoilt, chain::Outlet& out, memory::Batch& batch) {
  const Arrival& arrival = port.next;
  lanes_.look_near(port.hash);
  InFlight slot = slot_of(port);
  slot.captured = arrival.captured;
  slot.wire = arrival.wire;
  slot.fragments = spoilt.chain;
  slot.fragments_reason = spoilt.chain == 0 ? chain::DropReason::none : chain::DropReason::bad_fragment;
  slot.frame = cell(arrival.captured, slot);
  memory::copy_in(pool_.at(slot.frame), arrival.bytes, arrival.captured);
  if (is_unfinished({arrival.bytes, arrival.captured}, port.headers)) [[unlikely]] {
    finish({pool_.at(slot.frame), arrival.captured}, port.headers);
    ++(port.headers.no_length ? mended_.lengths : mended_.sums);
  }
  chain::Descriptor descriptor = describe(slot, {arrival.bytes, arrival.captured}, port.headers, port.source->link());
  if (is_explained(slot.in, slot.packet)) descriptor.orders |= chain::Orders::explained;
  if (spoilt.asked) descriptor.gone_count = 1;  // not conntrack's yet: rules' early visit reads it (edges.cc)
  chain::DropReason const reason = spoilt.reason != chain::DropReason::none ? spoilt.reason : port.reason;
  settle({arrival.bytes, arrival.captured}, port.headers, reason, descriptor);
  send_packet(descriptor, slot, {arrival.bytes, arrival.captured}, port.hash, out, batch);
}

/// A number of its own, and the bytes; the fragment stays where it is.
void Receive::ask(const Port& port, chain::Outlet& out, memory::Batch& batch) {
  time_ns_ = std::max(time_ns_, clock_of(port.next.stamp_ns));
  std::span<const uint8_t> const bytes(port.next.bytes, port.next.captured);
  InFlight slot = slot_of(port);
  slot.captured = port.next.captured;
  slot.wire = port.next.wire;
  slot.frame = cell(bytes.size(), slot);
  memory::copy_in(pool_.at(slot.frame), bytes.data(), bytes.size());
  chain::Descriptor descriptor = describe(slot, bytes, port.headers, port.source->link());
  descriptor.kind = slot.kind = chain::Kind::piece;
  if (is_explained(slot.in, slot.packet)) descriptor.orders |= chain::Orders::explained;
  number(descriptor, slot);
  keep(slot);
  out.put(descriptor);
  batch.set(asked_.number, number_);
  batch.set(asked_.answer, uint32_t{FragmentLinks::Asked::none});
}

void Receive::fragment(Port& port, const packet::Fragment& says, uint32_t mark, chain::Outlet& out, memory::Batch& batch) {
  using Fate = Reassembly::Taken::Fate;
  Reassembly::Taken const taken = reassembly_.take({port.next, says, in_of(port), time_ns_, mark}, batch);
  switch (taken.fate) {
    case Fate::held: return;
    case Fate::whole: return whole(port, taken, out, batch);
    case Fate::dropped: return packet(port, {taken.chain, chain::DropReason::bad_fragment}, out, batch);
    case Fate::full: return packet(port, {0, chain::DropReason::fragments_full}, out, batch);
    case Fate::passes:
      if (port.headers.first_fragment()) see_through_fragment(port);
      port.hash = lanes_.look_ahead(port.headers);
      return packet(port, {taken.chain, chain::DropReason::none, port.asks}, out, batch);
  }
}

/// It comes by the interface, and at the time, of its last fragment; its headers are the first one's.
void Receive::whole(const Port& port, const Reassembly::Taken& taken, chain::Outlet& out, memory::Batch& batch) {
  InFlight slot = slot_of(port);
  size_t const room = reassembly_.length_of(taken);
  slot.frame = cell(room, slot);
  std::span<uint8_t> const frame(pool_.at(slot.frame), room);
  Reassembly::Built const built = reassembly_.build(taken, frame);
  slot.captured = built.captured;
  slot.wire = built.wire;
  slot.fragments = taken.chain;
  slot.largest_fragment = taken.whole.largest();
  auto const bytes = frame.first(built.captured);
  packet::Headers const headers = packet::parse(bytes, built.wire, port.source->link());
  if (headers.tuple.l3 == 6)
    slot.repeated = static_cast<uint16_t>(std::min<uint32_t>(Cut::repeated6(bytes.subspan(headers.l3_offset)), UINT16_MAX));
  chain::Descriptor descriptor = describe(slot, bytes, headers, port.source->link());
  descriptor.mark = built.mark;
  for (uint32_t name = taken.chain; name != 0 && explained_.packet != 0; name = reassembly_.next(name))
    if (StoredFragment const one = reassembly_.stored(name); is_explained(one.in, one.packet)) descriptor.orders |= chain::Orders::explained;
  settle(bytes, headers, reason_before_hooks(bytes, built.wire, headers, router_), descriptor);
  send_packet(descriptor, slot, bytes, lanes_.look_ahead(headers), out, batch);
}

InFlight Receive::slot_of(const Port& port) const {
  InFlight slot{};
  slot.kind = chain::Kind::packet;
  slot.in = in_of(port);
  slot.stamp_ns = port.next.stamp_ns;
  slot.packet = port.next.packet;
  return slot;
}

uint32_t Receive::cell(size_t bytes, InFlight& slot) {
  slot.large = is_large(bytes);
  return slot.large ? chain::Pool::large_cell(large_taken_++, window_) : chain::Pool::small_cell(number_ + 1, window_);
}

chain::Descriptor Receive::describe(const InFlight& slot, std::span<const uint8_t> bytes, const packet::Headers& headers, packet::LinkType link) {
  chain::Descriptor descriptor{};
  descriptor.kind = chain::Kind::packet;
  descriptor.frame = slot.frame;
  descriptor.captured = slot.captured;
  descriptor.largest_fragment = slot.largest_fragment;
  descriptor.in = slot.in;
  descriptor.out = router_ ? slot.in : static_cast<uint8_t>(1 - slot.in);
  if (is_to_group(bytes, link)) descriptor.facts |= chain::Facts::to_group;
  // Where nothing tracks, fragments are not put together, and go on as they are.
  if (headers.shape == packet::Shape::fragment && !reassembles_[headers.tuple.l3 == 6 ? 1 : 0]) descriptor.facts |= chain::Facts::untracked;
  descriptor.l3_length = headers.l3_length;
  descriptor.l3_offset = headers.l3_offset;
  descriptor.l4_offset = static_cast<uint16_t>(std::min<uint32_t>(headers.l4_offset, 0xffff));
  descriptor.shape = headers.shape;
  descriptor.tuple = headers.tuple;
  if (router_ && slot.largest_fragment == 0 && is_super_frame(bytes, headers, mtus_[slot.in])) [[unlikely]] {
    descriptor.facts |= chain::Facts::super_frame;
    ++mended_.super_frames;
  }
  descriptor.state = headers.shape == packet::Shape::malformed ? chain::FlowState::invalid : chain::FlowState::untracked;
  return descriptor;
}

bool Receive::is_explained(uint8_t in, uint64_t packet) const {
  return explained_.packet != 0 && packet == explained_.packet && in == explained_.interface;
}

void Receive::number(chain::Descriptor& descriptor, InFlight& slot) {
  descriptor.number = slot.number = ++number_;
  descriptor.time_ns = time_ns_;
}

void Receive::keep(const InFlight& slot) { memory::copy_in(&inflight_.slots()[slot.number & (window_ - 1)], &slot, sizeof slot); }

void Receive::send_packet(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, chain::Outlet& out, memory::Batch& batch) {
  number(descriptor, slot);
  bool const laned = lanes_.take(descriptor, slot, frame, hash, batch);
  keep(slot);
  if (!laned) out.put(descriptor);
}

void Receive::send_event(const InFlight& slot, chain::Outlet& out) {
  chain::Descriptor descriptor{};
  InFlight kept = slot;
  descriptor.kind = kept.kind = chain::Kind::tick;
  number(descriptor, kept);
  keep(kept);
  out.put(descriptor);
}

void Receive::store(memory::Batch& batch) {
  lanes_.store(batch);
  batch.set(state_.next_number, number_);
  batch.set(state_.time_ns, time_ns_);
  batch.set(state_.tick_time_ns, tick_time_ns_);
  batch.set(state_.since_tick, since_tick_);
  if (state_.large_taken.load() != large_taken_) batch.set(state_.large_taken, large_taken_);
  batch.set(state_.packets, packets_);
  batch.set(state_.bytes, bytes_);
  if (mended_.sums != 0) batch.add(state_.mended_sums, mended_.sums);
  if (mended_.lengths != 0) batch.add(state_.mended_lengths, mended_.lengths);
  if (mended_.super_frames != 0) batch.add(state_.super_frames, mended_.super_frames);
  mended_ = {};
  for (size_t i = 0; i < ports_.size(); ++i) {
    Port& port = ports_[i];
    if (!port.moved) continue;
    state::PktioState::Interface& interface = state_.interfaces[i];
    Position const position = port.source->position();
    batch.set(interface.read_packets, position.packets);
    batch.set(interface.read_offset, position.offset);
    batch.add(interface.in_bytes, port.bytes);
    if (port.now == Source::State::failed) {
      const std::string& text = port.source->error().message;
      memory::copy_in(interface.input_error.data(), text.c_str(),
              std::min(text.size() + 1, state::PktioState::kErrorBytes - 1));
      batch.set(interface.input_ended, 2U);
    } else if (port.now == Source::State::ended) {
      batch.set(interface.input_ended, 1U);
    }
    port.bytes = 0;
    port.moved = false;
  }
}

bool Receive::ended() const { return sources_ended() && !reassembly_.given_up_at(); }

}  // namespace bulkhead::pktio
