#include "services/rules/route.h"

#include "common/packet/icmp.h"

namespace bulkhead::rules {
namespace {

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
bool is_all4(const IpAddress& address) { return load_raw<uint32_t>(address.bytes.data()) == ~0U; }
bool is_zero(const IpAddress& address) { return address.bytes == std::array<uint8_t, 16>{}; }
bool is_loopback4(const IpAddress& address) { return address.bytes[0] == 127; }
bool is_loopback6(const IpAddress& address) {
  std::array<uint8_t, 16> one{};
  one[15] = 1;
  return address.bytes == one;
}

/// What came in fragments that fit the way may leave in such (ip_exceeds_mtu, ip6_pkt_too_big).
bool is_too_big(const HeaderView& packet, uint32_t mtu) {
  return packet.length > mtu && !packet.super_frame && (packet.largest_fragment == 0 || packet.largest_fragment > mtu);
}

/// Linux fib_validate_source without rp_filter: nobody else has the router's own addresses, of which lo has one.
bool is_own4(const IpAddress& address, const Routes& routes) {
  return is_loopback4(address) ? load_be32(address.bytes.data()) == 0x7f000001 : routes.is_local(address);
}

/// Linux ip_mc_validate_source. Nothing is routed to groups.
Route to_group4(const HeaderView& packet, uint16_t in, const Routes& routes) {
  const IpAddress &from = packet.source, &to = packet.destination;
  bool const of_this_link = (load_be32(to.bytes.data()) & 0xffffff00) == 0xe0000000;  // 224.0.0.0/24
  constexpr uint8_t igmp = 2;
  if (!routes.listens_to(in, to)) return Route::dropped(chain::DropReason::group);
  bool const nowhere = is_zero(from) && !of_this_link && packet.protocol != igmp;
  if (is_group4(from) || is_all4(from) || is_loopback4(from) || nowhere || is_own4(from, routes))
    return Route::dropped(chain::DropReason::martian_source);
  return here();
}

Route route4(const HeaderView& packet, uint16_t in, const Routes& routes, const Topology& topology) {
  const IpAddress &from = packet.source, &to = packet.destination;
  if (is_group4(to)) return to_group4(packet, in, routes);
  if (is_group4(from) || is_all4(from)) return Route::dropped(chain::DropReason::martian_source);
  if (is_all4(to) || (is_zero(from) && is_zero(to)))
    return is_own4(from, routes) ? Route::dropped(chain::DropReason::martian_source) : here();
  if (is_zero(from)) return Route::dropped(chain::DropReason::martian_source);
  if (is_zero(to) || is_loopback4(to)) return Route::dropped(chain::DropReason::martian_destination);
  if (is_loopback4(from)) return Route::dropped(chain::DropReason::martian_source);
  uint16_t const number = routes.number_to(to);
  const Way& way = routes.way(number);
  if (way.kind == Way::Kind::none)
    return Route::refused(chain::DropReason::no_route, packet::icmp::unreachable, packet::icmp::net_unreachable);
  if (routes.is_local(from)) return Route::dropped(chain::DropReason::martian_source);
  if (way.kind != Way::Kind::unicast) return here();
  if (packet.to_group) return Route::dropped(chain::DropReason::not_unicast);
  if (packet.hops <= 1) return Route::refused(chain::DropReason::ttl, packet::icmp::time_exceeded, 0);
  uint32_t const mtu = topology.interfaces[way.device].mtu;
  if (is_too_big(packet, mtu) && packet.dont_fragment)
    return Route::refused(chain::DropReason::too_big, packet::icmp::unreachable, packet::icmp::fragmentation_needed, mtu);
  return onward(number, way);
}

Route route6(const HeaderView& packet, const Routes& routes, const Topology& topology, uint16_t in) {
  const IpAddress &from = packet.source, &to = packet.destination;
  if (is_group6(from)) return Route::dropped(chain::DropReason::martian_source);
  if (is_loopback6(from)) return Route::dropped(chain::DropReason::martian_source);
  if (is_loopback6(to)) return Route::dropped(chain::DropReason::martian_destination);
  if (is_group6(to)) return routes.listens_to(in, to) ? here() : Route::dropped(chain::DropReason::group);
  uint16_t const number = routes.number_to(to, in);
  const Way& way = routes.way(number);
  if (way.kind == Way::Kind::none)
    return Route::refused(chain::DropReason::no_route, packet::icmpv6::unreachable, packet::icmpv6::no_route);
  if (way.kind != Way::Kind::unicast) return here();
  if (packet.to_group) return Route::dropped(chain::DropReason::not_unicast);
  if (packet.hops <= 1) return Route::refused(chain::DropReason::ttl, packet::icmpv6::time_exceeded, 0);
  // What goes back where it came from is not looked at so closely (ip6_forward).
  bool const back = way.device == in;
  if (is_zero(from) && !back) return Route::dropped(chain::DropReason::martian_source);
  if (is_link_local(from) && !back)
    return Route::refused(chain::DropReason::beyond_scope, packet::icmpv6::unreachable, packet::icmpv6::beyond_scope);
  uint32_t const mtu = topology.interfaces[way.device].mtu;
  Route found = is_too_big(packet, mtu) ? Route::refused(chain::DropReason::too_big, packet::icmpv6::packet_too_big, 0, mtu) : onward(number, way);
  found.redirects = back;
  return found;
}

}  // namespace

Route Route::dropped(chain::DropReason reason) noexcept {
  Route route;
  route.reason = reason;
  return route;
}

Route Route::refused(chain::DropReason reason, uint8_t type, uint8_t code, uint32_t info) noexcept {
  Route route = dropped(reason);
  route.speaks = true;
  route.type = type;
  route.code = code;
  route.info = info;
  return route;
}

Route route(const HeaderView& packet, uint16_t in, const Routes& routes, const Topology& topology) noexcept {
  return packet.source.l3 == 4 ? route4(packet, in, routes, topology) : route6(packet, routes, topology, in);
}

bool may_be_answered(const HeaderView& packet, const Routes& routes, const Route& said) noexcept {
  if (packet.is_icmp_error) return false;
  const IpAddress& from = packet.source;
  if (from.l3 == 4)
    return !packet.to_group && !packet.later_fragment && !is_zero(from) &&
           routes.way_to(packet.destination).kind != Way::Kind::broadcast;
  if (is_zero(from) || is_group6(from)) return false;
  return said.type == packet::icmpv6::packet_too_big || said.to_groups_too || (!packet.to_group && !is_group6(packet.destination));
}

}  // namespace bulkhead::rules
