#include "common/ruleset/run/fib.h"

#include "common/base/topology.h"
#include "common/packet/ip_header.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset::run {
namespace {

constexpr uint32_t kUnspecified = 0, kUnicast = 1, kLocal = 2, kBroadcast = 3, kAnycast = 4, kMulticast = 5, kUnreachable = 7;

IpAddress asked(const Step& step, const Evaluation& packet) {
  const uint8_t* const ip = packet.head.data();
  return (step.offset & ask_destination) != 0 ? packet::ip_header::destination(ip, packet.l3) : packet::ip_header::source(ip, packet.l3);
}

/// The interface that the way has to be by; 0: any.
uint32_t wanted(const Step& step, const Evaluation& packet) {
  if ((step.offset & ask_in) != 0) return packet.in.index;
  return (step.offset & ask_out) != 0 ? packet.out.index : 0;
}

Way way_to(const IpAddress& address, const Step& step, const Evaluation& packet) {
  if (packet.routes == nullptr) return {};
  uint32_t const by = wanted(step, packet) != 0 ? wanted(step, packet) : packet.in.index;
  if (address.l3 == 6 && is_link_local(address) && by != 0)
    return packet.routes->way(packet.routes->number_to(address, static_cast<uint16_t>(by - 1)));
  return packet.routes->way_to(address);
}

bool is_none(const IpAddress& address) { return address.bytes == std::array<uint8_t, 16>{}; }
bool is_group(const IpAddress& address) {
  return address.l3 == 4 ? (address.bytes[0] & 0xf0) == 0xe0 : address.bytes[0] == 0xff;
}
bool is_everybody(const IpAddress& address) { return load_be32(address.bytes.data()) == 0xffffffff; }

/// Who has no address yet is asked for by what it came by.
bool speaks_before_it_has_an_address(const Evaluation& packet) {
  IpAddress const from = packet::ip_header::source(packet.head.data(), packet.l3), to = packet::ip_header::destination(packet.head.data(), packet.l3);
  if (packet.l3 == 4)
    return from.bytes[0] == 0 && (is_everybody(to) || (load_be32(to.bytes.data()) & 0xffffff00) == 0xe0000000);
  return packet.out.name.empty() && packet.protocol == packet::protocol::icmpv6 && is_none(from) && is_link_local(to);
}

uint32_t out_by(const Step& step, const Evaluation& packet) {
  if (speaks_before_it_has_an_address(packet)) return packet.in.index;
  Way const way = way_to(asked(step, packet), step, packet);
  if (way.kind == Way::Kind::none || way.kind == Way::Kind::local || way.kind == Way::Kind::anycast) return 0;
  uint32_t const device = way.device + 1U, only = wanted(step, packet);
  return only == 0 || only == device ? device : 0;
}

uint32_t type4(const IpAddress& address, const Step& step, const Evaluation& packet) {
  if (address.bytes[0] == 0 || is_everybody(address)) return kBroadcast;
  if (is_group(address)) return kMulticast;
  uint32_t const only = wanted(step, packet);
  if (address.bytes[0] == 127) return only == 0 ? kLocal : kUnicast;
  Way const way = way_to(address, step, packet);
  if (only != 0 && only != way.device + 1U) return kUnicast;
  return way.kind == Way::Kind::local ? kLocal : way.kind == Way::Kind::broadcast ? kBroadcast : kUnicast;
}

uint32_t type6(const IpAddress& address, const Step& step, const Evaluation& packet) {
  if (is_group(address)) return kMulticast;
  uint32_t const only = wanted(step, packet);
  Way const way = way_to(address, step, packet);
  if (way.kind == Way::Kind::local && (only == 0 || only == way.device + 1U)) return kLocal;
  if (way.kind == Way::Kind::none) return kUnreachable;
  if (way.kind == Way::Kind::anycast) return kAnycast;
  return is_none(address) ? kUnspecified : kUnicast;
}

Next load_oif(const Step& step, Evaluation& packet) noexcept {
  uint32_t const device = out_by(step, packet);
  packet.registers[step.to] = (step.offset & ask_presence) != 0 ? (device != 0 ? 1U : 0U) : device;
  return Next::step;
}

Next load_oifname(const Step& step, Evaluation& packet) noexcept {
  uint32_t const device = out_by(step, packet);
  bool const named = device != 0 && device <= packet.interfaces.size();
  if ((step.offset & ask_presence) != 0) packet.registers[step.to] = named ? 1 : 0;
  else packet.registers[step.to] = named ? text_number(packet.interfaces[device - 1]) : 0;
  return Next::step;
}

Next load_mss(const Step& step, Evaluation& packet) noexcept {
  constexpr uint32_t kTcp = 20, kDefault = 536;  // TCP_MSS_DEFAULT
  if (packet.host == nullptr || packet.out.name.empty()) return Next::rule;
  uint32_t mtu = packet.host->mtu_of(packet.out.index);
  Way const back = way_to(packet::ip_header::source(packet.head.data(), packet.l3), step, packet);
  if (back.kind == Way::Kind::unicast) mtu = std::min(mtu, packet.host->mtu_of(back.device + 1U));
  uint32_t const headers = static_cast<uint32_t>(packet.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6) + kTcp;
  packet.registers[step.to] = mtu <= headers ? kDefault : mtu - headers;
  return Next::step;
}

Next load_type(const Step& step, Evaluation& packet) noexcept {
  IpAddress const address = asked(step, packet);
  packet.registers[step.to] = packet.l3 == 4 ? type4(address, step, packet) : type6(address, step, packet);
  return Next::step;
}

}  // namespace

constinit const StepOperation fib_oif{.name = "fib oif", .run = load_oif, .steady = true};
constinit const StepOperation fib_oifname{.name = "fib oifname", .run = load_oifname, .steady = true};
constinit const StepOperation fib_type{.name = "fib type", .run = load_type, .steady = true};
constinit const StepOperation route_mss{.name = "rt mtu", .run = load_mss};

}  // namespace bulkhead::ruleset::run
