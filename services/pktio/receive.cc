#include "services/pktio/receive.h"

#include <algorithm>

#include "common/checksum.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kTcpFlags = 13;  // offset in the TCP header

/// By its link-layer address; cooked captures keep that as a packet type (pcap-linktype(7): 1 broadcast, 2 multicast).
bool is_to_group(std::span<const uint8_t> bytes, LinkType link) {
  switch (link) {
    case LinkType::ethernet: return !bytes.empty() && (bytes[0] & 1) != 0;
    case LinkType::linux_cooked_v1: return bytes.size() > 1 && (bytes[1] == 1 || bytes[1] == 2);
    case LinkType::linux_cooked_v2: return bytes.size() > 10 && (bytes[10] == 1 || bytes[10] == 2);
    default: return false;
  }
}

bool is_large(const Arrival& arrival) { return arrival.captured > Pool::kSmallBytes; }

/// Why the kernel would drop a packet before any hook sees it. What is wrong further up the rules see as invalid.
DropReason below_transport(std::span<const uint8_t> bytes, const Headers& headers) {
  if (headers.shape == Shape::malformed && bulkhead::below_transport(headers.reason))
    return static_cast<DropReason>(headers.reason);
  bool const ipv4 = headers.ethertype == ethertype::ipv4 && headers.shape != Shape::not_ip;
  return ipv4 && !ipv4_header_good(bytes, headers) ? DropReason::bad_ip_checksum : DropReason::none;
}

/// What conntrack wants to know without looking at the bytes.
void take_facts(std::span<const uint8_t> bytes, const Headers& headers, Descriptor& descriptor) {
  if (verify_checksum(bytes, headers) == Checksum::bad) descriptor.facts |= Facts::bad_checksum;
  if (headers.tuple.protocol == protocol::tcp) {
    descriptor.tcp_flags = bytes[headers.l4_offset + kTcpFlags];
    descriptor.tcp = tcp_facts(bytes, headers);
  } else if (headers.tuple.protocol == protocol::sctp) {
    descriptor.sctp = sctp_facts(bytes, headers);
  }
  if (!headers.tuple.is_icmp() || tracking(headers.tuple) != Tracking::error) return;
  if (std::optional<Tuple> const quoted = quoted_tuple(bytes, headers)) {
    descriptor.tuple = *quoted;
    descriptor.quote = Quote::quoted;
  }
}

}  // namespace

Receive::Receive(const Objects& objects, const Settings& settings)
    : state_(objects.state),
      inflight_(objects.inflight),
      pool_(objects.pool),
      window_(objects.inflight.header.capacity),
      router_(settings.topology.is_router()),
      explained_(settings.explained),
      ports_(settings.interfaces.size()) {}

void Receive::resume(std::vector<std::unique_ptr<Source>> sources) {
  number_ = state_.next_number.load();
  time_ns_ = state_.time_ns.load();
  tick_time_ns_ = state_.tick_time_ns.load();
  since_tick_ = state_.since_tick.load();
  large_taken_ = state_.large_taken.load();
  packets_ = state_.packets.load();
  bytes_ = state_.bytes.load();
  for (size_t i = 0; i < ports_.size(); ++i) {
    ports_[i] = Port{};
    ports_[i].source = std::move(sources[i]);
    if (!ports_[i].source) ports_[i].now = Source::State::ended;
  }
}

Receive::Port* Receive::earliest() {
  Port* first = nullptr;
  for (Port& port : ports_) {
    if (port.now == Source::State::waiting) {
      port.now = port.source->peek(port.next);
      if (port.now == Source::State::ended || port.now == Source::State::failed) port.moved = true;
    }
    if (port.now == Source::State::waiting) return nullptr;
    if (port.now == Source::State::ready && (first == nullptr || port.next.stamp_ns < first->next.stamp_ns))
      first = &port;
  }
  return first;
}

bool Receive::fits(const Arrival& arrival, uint64_t large_home) const {
  return !is_large(arrival) || large_taken_ - large_home < Pool::kLargeCells;
}

bool Receive::ready(uint64_t home, uint64_t large_home) {
  if (number_ - home + 2 > window_) return false;
  const Port* port = earliest();
  if (port != nullptr) return fits(port->next, large_home);
  return std::any_of(ports_.begin(), ports_.end(), [](const Port& p) { return p.moved; });
}

bool Receive::tick_due(const Arrival& arrival) const {
  uint64_t const time_ns = std::max(time_ns_, arrival.stamp_ns);
  return since_tick_ >= kTickEvery || time_ns / kSecond != tick_time_ns_ / kSecond;
}

uint64_t Receive::some(Outlet& out, uint64_t most, uint64_t home, uint64_t large_home) {
  uint64_t const first = number_;
  // A packet and the tick before it go together, so two numbers must fit.
  while (number_ - first + 2 <= std::max<uint64_t>(most, 2) && number_ - home + 2 <= window_ && out.room(2) >= 2) {
    Port* port = earliest();
    if (port == nullptr || !fits(port->next, large_home)) break;
    if (tick_due(port->next)) tick(std::max(time_ns_, port->next.stamp_ns), out);
    packet(*port, out);
  }
  return number_ - first;
}

void Receive::tick(uint64_t time_ns, Outlet& out) {
  Descriptor descriptor{};
  InFlight slot{};
  time_ns_ = tick_time_ns_ = time_ns;
  since_tick_ = 0;
  descriptor.kind = slot.kind = Kind::tick;
  send(descriptor, slot, out);
}

void Receive::packet(Port& port, Outlet& out) {
  const Arrival& arrival = port.next;
  Descriptor descriptor{};
  InFlight slot{};
  time_ns_ = std::max(time_ns_, arrival.stamp_ns);
  slot.kind = Kind::packet;
  slot.in = static_cast<uint8_t>(&port - ports_.data());
  slot.stamp_ns = arrival.stamp_ns;
  slot.packet = arrival.packet;
  slot.captured = arrival.captured;
  slot.wire = arrival.wire;
  slot.frame = fill(arrival, slot);
  descriptor.frame = slot.frame;
  describe(port, descriptor);
  send(descriptor, slot, out);
  port.bytes += arrival.wire;
  port.moved = true;
  ++since_tick_;
  ++packets_;
  bytes_ += arrival.wire;
  port.source->advance();
  port.now = Source::State::waiting;
}

uint32_t Receive::fill(const Arrival& arrival, InFlight& slot) {
  slot.large = is_large(arrival);
  uint32_t const frame = slot.large ? Pool::large_cell(large_taken_++, window_)
                                    : Pool::small_cell(number_ + 1, window_);
  copy_in(pool_.at(frame), arrival.bytes, arrival.captured);
  return frame;
}

void Receive::describe(const Port& port, Descriptor& descriptor) const {
  const Arrival& arrival = port.next;
  std::span<const uint8_t> const bytes(arrival.bytes, arrival.captured);
  Headers const headers = parse(bytes, arrival.wire, port.source->link());
  descriptor.kind = Kind::packet;
  descriptor.captured = arrival.captured;
  descriptor.wire = arrival.wire;
  descriptor.in = static_cast<uint8_t>(&port - ports_.data());
  descriptor.out = router_ ? descriptor.in : static_cast<uint8_t>(1 - descriptor.in);
  if (is_to_group(bytes, port.source->link())) descriptor.facts |= Facts::to_group;
  if (arrival.packet == explained_.packet && descriptor.in == explained_.interface && explained_.packet != 0) descriptor.orders |= Orders::explained;
  descriptor.l3_length = headers.l3_length;
  descriptor.l3_offset = headers.l3_offset;
  descriptor.l4_offset = static_cast<uint16_t>(std::min<uint32_t>(headers.l4_offset, 0xffff));
  descriptor.shape = headers.shape;
  descriptor.tuple = headers.tuple;
  descriptor.state = headers.shape == Shape::malformed ? FlowState::invalid : FlowState::untracked;
  if (DropReason const reason = below_transport(bytes, headers); reason != DropReason::none) {
    descriptor.shape = Shape::malformed;
    descriptor.verdict = Verdict::drop;
    descriptor.reason = reason;
    descriptor.state = FlowState::invalid;
    return;
  }
  if (headers.shape == Shape::ip) take_facts(bytes, headers, descriptor);
}

void Receive::send(const Descriptor& descriptor, const InFlight& slot, Outlet& out) {
  ++number_;
  Descriptor numbered = descriptor;
  numbered.number = number_;
  numbered.time_ns = time_ns_;
  InFlight kept = slot;
  kept.number = number_;
  copy_in(&inflight_.slots()[number_ & (window_ - 1)], &kept, sizeof kept);
  out.put(numbered);
}

void Receive::store(Batch& batch) {
  batch.set(state_.next_number, number_);
  batch.set(state_.time_ns, time_ns_);
  batch.set(state_.tick_time_ns, tick_time_ns_);
  batch.set(state_.since_tick, since_tick_);
  if (state_.large_taken.load() != large_taken_) batch.set(state_.large_taken, large_taken_);
  batch.set(state_.packets, packets_);
  batch.set(state_.bytes, bytes_);
  for (size_t i = 0; i < ports_.size(); ++i) {
    Port& port = ports_[i];
    if (!port.moved) continue;
    PktioState::Interface& interface = state_.interfaces[i];
    Position const position = port.source->position();
    batch.set(interface.read_packets, position.packets);
    batch.set(interface.read_offset, position.offset);
    batch.add(interface.in_bytes, port.bytes);
    if (port.now == Source::State::failed) {
      const std::string& text = port.source->error().message;
      copy_in(interface.input_error.data(), text.c_str(),
              std::min(text.size() + 1, PktioState::kErrorBytes - 1));
      batch.set(interface.input_ended, 2U);
    } else if (port.now == Source::State::ended) {
      batch.set(interface.input_ended, 1U);
    }
    port.bytes = 0;
    port.moved = false;
  }
}

bool Receive::ended() const {
  return std::all_of(ports_.begin(), ports_.end(), [](const Port& port) {
    return port.now == Source::State::ended || port.now == Source::State::failed;
  });
}

}  // namespace bulkhead::pktio
