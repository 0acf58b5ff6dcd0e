#include "services/rules/route.h"

#include "common/packet/icmp.h"

namespace bulkhead::rules {
namespace {

Route drop(chain::DropReason reason) {
  Route route;
  route.reason = reason;
  return route;
}

Route drop_and_say(chain::DropReason reason, uint8_t type, uint8_t code, uint32_t info = 0) {
  Route route = drop(reason);
  route.speaks = true;
  route.type = type;
  route.code = code;
  route.info = info;
  return route;
}

Route here() {
  Route route;
  route.fate = Route::Fate::local;
  return route;
}

Route onward(uint16_t number, const Way& way) {
  Route route;
  route.fate = Route::Fate::forward;
  route.way = number;
  route.out = way.device;
  return route;
}

bool is_group4(const IpAddress& address) { return (address.bytes[0] & 0xf0) == 0xe0; }
bool is_group6(const IpAddress& address) { return address.bytes[0] == 0xff; }
bool is_none4(const IpAddress& address) { return address.bytes[0] == 0; }  // 0.0.0.0/8
bool is_all4(const IpAddress& address) { return load_raw<uint32_t>(address.bytes.data()) == ~0U; }
bool is_zero(const IpAddress& address) { return address.bytes == std::array<uint8_t, 16>{}; }
bool is_loopback4(const IpAddress& address) { return address.bytes[0] == 127; }
bool is_loopback6(const IpAddress& address) {
  std::array<uint8_t, 16> one{};
  one[15] = 1;
  return address.bytes == one;
}

/// Group addresses that a router listens to: all hosts, all routers; solicited-node ones are taken for its own.
bool listens_to(const IpAddress& group) {
  const auto& b = group.bytes;
  if (group.l3 == 4) return load_be32(b.data()) == 0xe0000001;
  bool const link_scope = (b[1] & 0x0f) == 2;
  return link_scope && (b[15] == 1 || b[15] == 2 || (b[11] == 1 && b[12] == 0xff));
}

/// What came in fragments that fit the way may leave in such (ip_exceeds_mtu, ip6_pkt_too_big).
bool is_too_big(const HeaderView& packet, uint32_t mtu) {
  return packet.length > mtu && (packet.largest_fragment == 0 || packet.largest_fragment > mtu);
}

Route route4(const HeaderView& packet, const Routes& routes, const Topology& topology) {
  const IpAddress &from = packet.source, &to = packet.destination;
  if (is_group4(to)) return listens_to(to) ? here() : drop(chain::DropReason::group);
  if (is_group4(from) || is_all4(from)) return drop(chain::DropReason::martian_source);
  if (is_all4(to) || (is_zero(from) && is_zero(to))) return here();
  if (is_none4(from)) return drop(chain::DropReason::martian_source);
  if (is_none4(to) || is_loopback4(to)) return drop(chain::DropReason::martian_destination);
  if (is_loopback4(from)) return drop(chain::DropReason::martian_source);
  uint16_t const number = routes.number_to(to);
  const Way& way = routes.way(number);
  if (way.kind == Way::Kind::none)
    return drop_and_say(chain::DropReason::no_route, packet::icmp::unreachable, packet::icmp::net_unreachable);
  if (routes.is_local(from)) return drop(chain::DropReason::martian_source);
  if (way.kind != Way::Kind::unicast) return here();
  if (packet.to_group) return drop(chain::DropReason::not_unicast);
  if (packet.hops <= 1) return drop_and_say(chain::DropReason::ttl, packet::icmp::time_exceeded, 0);
  uint32_t const mtu = topology.interfaces[way.device].mtu;
  if (is_too_big(packet, mtu) && packet.dont_fragment)
    return drop_and_say(chain::DropReason::too_big, packet::icmp::unreachable, packet::icmp::fragmentation_needed, mtu);
  return onward(number, way);
}

Route route6(const HeaderView& packet, const Routes& routes, const Topology& topology, uint16_t in) {
  const IpAddress &from = packet.source, &to = packet.destination;
  if (is_group6(from)) return drop(chain::DropReason::martian_source);
  if (is_loopback6(from)) return drop(chain::DropReason::martian_source);
  if (is_loopback6(to)) return drop(chain::DropReason::martian_destination);
  if (is_group6(to)) return (to.bytes[1] & 0x0f) >= 2 && listens_to(to) ? here() : drop(chain::DropReason::group);
  uint16_t const number = routes.number_to(to, in);
  const Way& way = routes.way(number);
  if (way.kind == Way::Kind::none)
    return drop_and_say(chain::DropReason::no_route, packet::icmpv6::unreachable, packet::icmpv6::no_route);
  if (way.kind != Way::Kind::unicast) return here();
  if (packet.to_group) return drop(chain::DropReason::not_unicast);
  if (packet.hops <= 1) return drop_and_say(chain::DropReason::ttl, packet::icmpv6::time_exceeded, 0);
  // What goes back where it came from is not looked at so closely (ip6_forward).
  bool const back = way.device == in;
  if (is_zero(from) && !back) return drop(chain::DropReason::martian_source);
  if (is_link_local(from) && !back)
    return drop_and_say(chain::DropReason::beyond_scope, packet::icmpv6::unreachable, packet::icmpv6::beyond_scope);
  uint32_t const mtu = topology.interfaces[way.device].mtu;
  Route found = is_too_big(packet, mtu) ? drop_and_say(chain::DropReason::too_big, packet::icmpv6::packet_too_big, 0, mtu) : onward(number, way);
  found.redirects = back;
  return found;
}

}  // namespace

Route route(const HeaderView& packet, uint16_t in, const Routes& routes, const Topology& topology) noexcept {
  return packet.source.l3 == 4 ? route4(packet, routes, topology) : route6(packet, routes, topology, in);
}

bool may_be_answered(const HeaderView& packet, const Routes& routes, uint8_t type) noexcept {
  if (packet.is_icmp_error) return false;
  const IpAddress& from = packet.source;
  if (from.l3 == 4)
    return !packet.to_group && !packet.later_fragment && !is_zero(from) &&
           routes.way_to(packet.destination).kind != Way::Kind::broadcast;
  if (is_zero(from) || is_group6(from)) return false;
  return type == packet::icmpv6::packet_too_big || (!packet.to_group && !is_group6(packet.destination));
}

}  // namespace bulkhead::rules
