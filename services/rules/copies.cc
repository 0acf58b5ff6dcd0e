#include "services/rules/copies.h"

#include <algorithm>

#include "common/packet/ip_header.h"

namespace bulkhead::rules {
namespace {

using ruleset::At;
using To = ruleset::CopyOrder::To;

/// The ways that leave by one interface.
Topology only(const Topology& topology, size_t device) {
  Topology own = topology;
  for (size_t i = 0; i < own.interfaces.size(); ++i)
    if (i != device) own.interfaces[i].addresses.clear();
  std::erase_if(own.routes, [&](const Topology::Route& route) { return route.device != device; });
  return own;
}

At hook_of(const ruleset::Evaluation& packet) { return static_cast<At>(packet.hook); }

}  // namespace

Copies::Copies(state::CopiesTable& slots, const ruleset::Program& program, const Router* router, std::span<const std::string> interfaces)
    : slots_(slots), window_(slots.header.capacity), program_(program), router_(router), interfaces_(interfaces) {
  for (size_t i = 0; i < kDeep; ++i) levels_.push_back(std::make_unique<Level>());
  for (size_t i = 0; router_ != nullptr && i < interfaces_.size(); ++i) by_device_.emplace_back(only(router_->topology, i));
}

void Copies::begin(const chain::Descriptor& descriptor, const state::EarlyMark& before) noexcept {
  about_ = {};
  if (before.copies != 0) memory::copy_out(&about_, &slots_.slot(descriptor.number, window_).about, sizeof about_);
  about_.number = descriptor.number;
  about_.count = std::min<uint32_t>(before.copies, state::Copies::kMost);
  about_.lost = before.copies_lost;
  bytes_ = about_.count == 0 ? 0 : size_t{about_.copies[about_.count - 1].from} + about_.copies[about_.count - 1].length;
  packet_ = descriptor;
  link_ = {};
  alone_ = routing_ = false;
  depth_ = on_link_ = 0;
  sent_ = 0;
}

void Copies::end(chain::Descriptor& descriptor) noexcept {
  if (about_.count + about_.lost == 0) return;
  memory::copy_in(&slots_.slot(descriptor.number, window_).about, &about_, sizeof about_);
  descriptor.facts |= chain::Facts::copied;
}

void Copies::leaves(uint16_t device, const IpAddress& next) noexcept { link_ = {state::Copy::Link::made, static_cast<uint8_t>(device), next}; }

bool Copies::send(const ruleset::Evaluation& packet, const ruleset::CopyOrder& order) noexcept {
  bool const routes = order.to == To::route, on_link = order.to == To::device;
  if ((routes && routing_) || (on_link && on_link_ == kDeepOnLink)) return false;
  if (depth_ == kDeep || sent_ == ruleset::kCopiesMost) return ++about_.lost, false;
  Level& level = *levels_[depth_];
  if (!find_way(order, packet, level)) return false;
  ++sent_;
  level.packet = packet;
  level.packet.forwarded = 0;
  if (routes) become_own(packet, level);
  else become_frame(packet, level);
  if (order.to == To::neighbour) packet::ip_header::pass_hop(level.packet.head.data());
  ++depth_;
  on_link_ += on_link ? 1 : 0;
  bool const outer = std::exchange(routing_, routing_ || routes);
  bool const passed = pass(order, level);
  routing_ = outer;
  on_link_ -= on_link ? 1 : 0;
  --depth_;
  if (!passed) return level.packet.forwarded != 0;
  return keep(order, level);
}

bool Copies::find_way(const ruleset::CopyOrder& order, const ruleset::Evaluation& packet, Level& level) const noexcept {
  uint32_t device = order.device;
  if (order.to == To::device) {
    level.link = depth_ == 0 ? link_ : levels_[depth_ - 1]->link;
    return is_there(device);
  }
  if (router_ == nullptr || (device != 0 && !is_there(device))) return false;
  IpAddress next = order.address;
  if (order.to == To::route) {
    const Routes& routes = device == 0 ? router_->routes : by_device_[device - 1];
    const Way& way = routes.way(device == 0 ? routes.number_to(next) : routes.number_to(next, static_cast<uint16_t>(device - 1)));
    // IPv4 of which no route goes by that interface: the kernel takes the packet's own destination for a neighbour.
    bool const assumed = way.kind == Way::Kind::none && device != 0 && packet.l3 == 4;
    if (way.kind != Way::Kind::unicast && !assumed) return false;
    if (device == 0) device = way.device + 1U;
    if (assumed) next = packet::ip_header::destination(packet.head.data(), packet.l3);
    else if (!way.via.is_none()) next = way.via;
  }
  bool const tags = order.to == To::neighbour && hook_of(packet) == At::ingress;
  level.link = {tags ? state::Copy::Link::received : state::Copy::Link::made, static_cast<uint8_t>(device - 1), next};
  return true;
}

/// A packet of the router's own, which nobody tracks.
void Copies::become_own(const ruleset::Evaluation& packet, Level& level) const noexcept {
  constexpr size_t kFlags = 6, kHops4 = 8, kHops6 = 7;
  constexpr uint8_t kDontFragment = 0x40;
  ruleset::Evaluation& copy = level.packet;
  copy.flow = {};
  copy.flow.state = ruleset::FlowView::untracked;
  copy.nat.tracked = false;
  copy.nat.changes = {};
  copy.in = {};
  bool const passes_hop = hook_of(packet) == At::prerouting || hook_of(packet) == At::input;
  uint8_t* const ip = copy.head.data();
  if (passes_hop) --ip[copy.l3 == 4 ? kHops4 : kHops6];
  if (copy.l3 != 4) return;
  // What came in fragments leaves in such.
  if (packet_.largest_fragment == 0 || alone_) ip[kFlags] |= kDontFragment;
  packet::ip_header::renew_checksum(std::span(copy.head).first(std::min<size_t>(packet::ip_header::length(ip[0]), copy.head_length)));
}

/// A frame that leaves as it is.
void Copies::become_frame(const ruleset::Evaluation& packet, Level& level) const noexcept {
  ruleset::Evaluation& copy = level.packet;
  copy.in = {};
  if (hook_of(packet) == At::ingress) copy.as_frame.length = copy.as_frame.padded_length + counted_link(copy);
}

bool Copies::passes(At hook, ruleset::Evaluation& packet) noexcept {
  if (hook == At::output) {
    ruleset::evaluate(program_, hook, packet, nullptr, ruleset::Share::early);
    if (packet.verdict != ruleset::Decision::accept) return false;
  }
  ruleset::evaluate(program_, hook, packet);
  return packet.verdict == ruleset::Decision::accept;
}

bool Copies::pass(const ruleset::CopyOrder& order, Level& level) noexcept {
  ruleset::Evaluation& copy = level.packet;
  uint32_t const out = order.to == To::device ? order.device : level.link.device + 1U;
  copy.out = {interfaces_[out - 1], out, 1};
  if (order.to == To::route) {
    if (!passes(At::output, copy)) return false;
    copy.in = copy.out;  // ip_output: the device that the route has given it
    if (!passes(At::postrouting, copy)) return false;
    copy.in = {};
    bool const whole = packet_.largest_fragment == 0 && (packet_.facts & chain::Facts::super_frame) == 0;
    if (whole && copy.length > router_->topology.interfaces[out - 1].mtu) return ++about_.lost, false;
    copy.as_frame.length = copy.length + counted_link(copy);
  }
  if (program_.at(At::egress, ruleset::sort_of(copy)).empty()) return true;
  if (level.link.kind != state::Copy::Link::as_came && !copy.link.empty() && counted_link(copy) != 0) {
    level.header = link_header(*router_, level.link.device, level.link.next, copy.ether_type);
    copy.link = level.header;
  }
  return passes(At::egress, copy);
}

bool Copies::keep(const ruleset::CopyOrder& order, const Level& level) noexcept {
  const ruleset::Evaluation& copy = level.packet;
  state::Copies& slot = slots_.slot(packet_.number, window_);
  size_t const length = alone_ ? std::max<size_t>(copy.frame.size(), copy.head_length) : copy.head_length;
  auto const room = std::min<size_t>(slot.bytes.size(), state::Copies::kBytes) - bytes_;
  if (about_.count == state::Copies::kMost || length > room) return ++about_.lost, false;
  memory::copy_in(slot.bytes.data() + bytes_, copy.head.data(), std::min<size_t>(length, copy.head_length));
  if (length > copy.head_length) memory::copy_in(slot.bytes.data() + bytes_ + copy.head_length, copy.frame.data() + copy.head_length, length - copy.head_length);
  state::Copy& kept = about_.copies[about_.count++];
  kept = {level.link.next, static_cast<uint8_t>(copy.out.index - 1), level.link.device, level.link.kind, alone_, order.itself && depth_ == 0,
          order.to == To::route, copy.renew_sctp, static_cast<uint16_t>(bytes_), static_cast<uint16_t>(length)};
  bytes_ += length;
  return true;
}

}  // namespace bulkhead::rules
