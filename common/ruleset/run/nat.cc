#include "common/packet/ip_header.h"
#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

IpAddress address_of(Number number, uint8_t l3) {
  IpAddress address;
  address.l3 = l3;
  if (l3 == 4) {
    store_be32(address.bytes.data(), static_cast<uint32_t>(number));
  } else {
    for (size_t i = 0; i < 16; ++i) address.bytes[i] = static_cast<uint8_t>(number >> (120 - 8 * i));
  }
  return address;
}

/// nft_nat_setup_netmap: the network of the range, the host of the packet.
void keep_host(packet::NatRange& range, const IpAddress& host) {
  IpAddress made = host;
  for (size_t i = 0; i < made.size(); ++i) {
    auto const same = static_cast<uint8_t>(~(range.min_address.bytes[i] ^ range.max_address.bytes[i]));
    made.bytes[i] = static_cast<uint8_t>((range.min_address.bytes[i] & same) | (host.bytes[i] & ~same));
  }
  range.min_address = range.max_address = made;
}

/// False: there is no address to take.
bool find_addresses(const NatTarget& target, const Evaluation& packet, packet::NatRange& range) {
  using Address = NatTarget::Address;
  const packet::Tuple& to = packet.nat.to;
  IpAddress const destination{to.dst, packet.l3};
  switch (target.address) {
    case Address::none: return true;
    case Address::constant: break;
    case Address::registers:
      range.min_address = address_of(packet.registers[target.address_register], packet.l3);
      range.max_address = address_of(packet.registers[target.address_end_register], packet.l3);
      break;
    case Address::outgoing:
      if (packet.host != nullptr) range.min_address = packet.host->source_towards(destination, packet.out.index);
      range.max_address = range.min_address;
      break;
    case Address::incoming:
      if (packet.host != nullptr) range.min_address = packet.host->address_at(packet.in.index, destination);
      range.max_address = range.min_address;
      break;
  }
  if (target.keeps_host) keep_host(range, {target.part == packet::Part::source ? to.src : to.dst, packet.l3});
  range.flags |= packet::NatRange::map_ips;
  return range.min_address.l3 == packet.l3;
}

/// Of GRE's versions 0 has nothing to rewrite, 1 its call; of others nobody knows.
bool is_rewritten(const Evaluation& packet, uint8_t protocol, size_t at, packet::Part part) {
  size_t const wanted = packet::rewritten_bytes(protocol);
  if (wanted == 0) return true;
  if (at + wanted > packet.length) return false;
  std::array<uint8_t, 2> flags{};
  return protocol != packet::protocol::gre || part == packet::Part::source || (packet.copy(at, flags) && (flags[1] & 7U) <= 1);
}

bool can_translate(const Evaluation& packet, packet::Part part) {
  constexpr size_t kIcmp = 8;
  const Translation& nat = packet.nat;
  uint16_t const transport = packet.tracked_transport();
  if (transport == Evaluation::kNone) return true;
  if (!nat.quotes) return is_rewritten(packet, packet.tracked_protocol(), transport, part);
  size_t const inner = size_t{transport} + kIcmp;
  std::array<uint8_t, 1> first{};
  if (!packet.copy(inner, first)) return false;
  size_t const header = packet.l3 == 4 ? (first[0] & 15U) * size_t{4} : packet::ip_header::kIpv6;
  return is_rewritten(packet, nat.inner_to.protocol, inner + header, part == packet::Part::source ? packet::Part::destination : packet::Part::source);
}

void become(Evaluation& packet, const packet::NatRange& range, packet::Part part) {
  Translation& nat = packet.nat;
  packet::NoFlows const nobody;
  packet::Tuple const before = nat.to;
  nat.to = packet::tuple_in(before, range, part, packet.others != nullptr ? *packet.others : nobody, *packet.chance, packet.number);
  auto const side = static_cast<size_t>(part);
  nat.changes[side] = before != nat.to;
  if (!nat.changes[side]) return;
  packet.flow.tuples[1] = packet::inverse(nat.to).value_or(packet::Tuple{});
  packet.flow.status |= part == packet::Part::source ? FlowView::source_nat : FlowView::destination_nat;
}

Next order(const Step& step, Evaluation& packet) noexcept {
  const auto& target = packet.program->targets[step.data];
  auto const side = static_cast<size_t>(target.part);
  Translation& nat = packet.nat;
  if (target.l3 != 0 && target.l3 != packet.l3) return Next::rule;  // nft_nat_inet_eval
  if (!nat.tracked || !nat.open[side]) return decide(packet, Decision::accept);
  packet::NatRange& range = nat.ranges[side] = target.range;
  if (!find_addresses(target, packet, range)) return decide(packet, Decision::drop);
  if (target.ports_from_register) {
    range.min_port = static_cast<uint16_t>(packet.registers[target.port_register]);
    range.max_port = static_cast<uint16_t>(packet.registers[target.port_end_register]);
  }
  nat.ordered[side] = true;
  become(packet, range, target.part);
  return decide(packet, Decision::accept);
}

}  // namespace

constinit const StepOperation order_nat{.name = "nat", .run = order, .data = StepOperation::Data::target};

void keep_source(Evaluation& packet) noexcept {
  if (packet.others != nullptr) become(packet, packet::null_range(packet.nat.to), packet::Part::source);
}

bool misleads(const Evaluation& packet) noexcept {
  constexpr uint8_t kRedirect = 5;
  constexpr uint32_t kTranslated = FlowView::source_nat | FlowView::destination_nat;
  if (!packet.nat.quotes || packet.l3 != 4 || packet.transport == Evaluation::kNone) return false;
  return packet.head[packet.transport] == kRedirect && (packet.flow.status & kTranslated) != 0;
}

bool translate(Evaluation& packet, packet::Part part) noexcept {
  const Translation& nat = packet.nat;
  if (!nat.changes[static_cast<size_t>(part)]) return true;
  if (!can_translate(packet, part)) return false;
  packet::Rewriting what{packet::bit_of(part), 0, nat.to, nat.inner_to};
  if (nat.quotes) what.inner = packet::bit_of(part == packet::Part::source ? packet::Part::destination : packet::Part::source);
  uint16_t const transport = packet.tracked_transport();
  packet::rewrite(std::span(packet.head).first(packet.head_length), packet.tracked_protocol(), transport < packet.head_length ? transport : 0, what);
  return true;
}

}  // namespace bulkhead::ruleset::run