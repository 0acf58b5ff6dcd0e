#include "services/rules/translate.h"

namespace bulkhead::rules {
namespace {

constexpr auto kSource = static_cast<size_t>(packet::Part::source), kDestination = static_cast<size_t>(packet::Part::destination);

void see_binding(const chain::Descriptor& descriptor, const state::BindingView& binding, ruleset::Evaluation& packet) {
  ruleset::Translation& nat = packet.nat;
  packet::Rewriting const what = state::rewriting_of(binding, descriptor.direction, chain::Quote::quoted);
  nat.changes[kSource] = (what.outer & packet::Rewriting::source) != 0;
  nat.changes[kDestination] = (what.outer & packet::Rewriting::destination) != 0;
  nat.inner_to = what.inner_to;
  nat.to = what.outer == 0 ? descriptor.tuple : what.to;
  packet.flow.tuples = {binding.original, binding.reply};
  packet.flow.status |= ((binding.flags & state::Binding::source) != 0 ? ruleset::FlowView::source_nat : 0) |
                        ((binding.flags & state::Binding::destination) != 0 ? ruleset::FlowView::destination_nat : 0);
}

}  // namespace

Translate::Translate(const Objects& objects, uint64_t seed) : objects_(objects), window_(objects.orders.header.capacity), chance_(seed) {}

void Translate::see(const chain::Descriptor& descriptor, ruleset::Evaluation& packet) const noexcept {
  ruleset::Translation& nat = packet.nat;
  nat.tracked = descriptor.flow != 0;
  nat.open = nat.ordered = nat.changes = {};
  if (!nat.tracked) return;
  nat.quotes = descriptor.quote == chain::Quote::quoted;
  state::BindingView const binding = state::binding_of(objects_.state, descriptor.flow, descriptor.flow_generation);
  if (binding.translates()) return see_binding(descriptor, binding, packet);
  bool const begins = binding.flags == 0 && (descriptor.facts & chain::Facts::begins) != 0;
  nat.open = {begins, begins};
  nat.to = descriptor.tuple;
}

void Translate::order(chain::Descriptor& descriptor, const ruleset::Evaluation& packet) const noexcept {
  const ruleset::Translation& nat = packet.nat;
  if (!nat.tracked || (!nat.ordered[kSource] && !nat.ordered[kDestination])) return;
  state::NatOrders orders{};
  orders.number = descriptor.number;
  orders.source = nat.ordered[kSource] ? 1 : 0;
  orders.destination = nat.ordered[kDestination] ? 1 : 0;
  if (nat.ordered[kSource]) orders.source_range = nat.ranges[kSource];
  if (nat.ordered[kDestination]) orders.destination_range = nat.ranges[kDestination];
  memory::copy_in(&objects_.orders.slot(descriptor.number, window_), &orders, sizeof orders);
  descriptor.orders |= chain::Orders::translate;
}

IpAddress RouterHost::source_towards(const IpAddress& destination, uint32_t out) const noexcept {
  auto const device = static_cast<uint16_t>(out - 1);
  if (device >= topology_.interfaces.size()) return {};
  const Way& way = routes_.way(routes_.number_to(destination, device));
  bool const through = way.kind == Way::Kind::unicast && way.device == device && !way.via.is_none();
  return routes_.source_for(device, through && destination.l3 == 4 ? way.via : destination);
}

IpAddress RouterHost::address_at(uint32_t in, const IpAddress& destination) const noexcept {
  if (in == 0 || in > topology_.interfaces.size()) return {};
  for (const Prefix& own : topology_.interfaces[in - 1].addresses)
    if (own.address.l3 == destination.l3 && is_link_local(own.address) == is_link_local(destination)) return own.address;
  return {};
}

}  // namespace bulkhead::rules
