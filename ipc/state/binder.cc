#include "ipc/state/binder.h"

#include <algorithm>

#include "ipc/state/other_flows.h"

namespace bulkhead::state {
namespace {

uint32_t changed_parts(const packet::Tuple& before, const packet::Tuple& after) {
  uint32_t flags = 0;
  if (before.src != after.src || before.src_port != after.src_port) flags |= Binding::source;
  if (before.dst != after.dst || (!before.is_icmp() && before.dst_port != after.dst_port)) flags |= Binding::destination;
  return flags;
}

}  // namespace

/// Entry and, from bit 32 on, generation.
uint64_t Binder::gone(const chain::Descriptor& descriptor, size_t which) const noexcept {
  return inputs_.conntrack.gone[(descriptor.gone_first + which) % ConntrackState::kGone].load();
}

NatOrders Binder::orders_for(const chain::Descriptor& descriptor) const noexcept {
  NatOrders orders{};
  if ((descriptor.orders & chain::Orders::translate) != 0) memory::copy_out(&orders, &inputs_.orders.slot(descriptor.number, window_), sizeof orders);
  return orders.number == descriptor.number ? orders : NatOrders{};
}

/// A tick may bring hundreds: those to come are fetched while the first ones go.
void Binder::let_go(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (descriptor.gone_count == 0) return;
  Bindings bindings(table_, batch, hash_, *searches_);
  size_t const count = std::min<size_t>(descriptor.gone_count, kGoneMost);
  for (size_t i = 0; i < count; ++i) {
    if (i + kGoneAhead < count) bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead)));
    if (i + kGoneAhead / 2 < count) bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead / 2)));
    uint64_t const flow = gone(descriptor, i);
    auto const index = static_cast<uint32_t>(flow);
    if (bindings.has(index, static_cast<uint32_t>(flow >> 32))) bindings.remove(index);
  }
}

void Binder::look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  Bindings const bindings(table_, batch, hash_, *searches_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead); ++i)
    bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i)));
  if (descriptor.flow != 0) bindings.prefetch_entry(descriptor.flow - 1);
  if ((descriptor.orders & chain::Orders::translate) == 0) return;
  memory::prefetch(&inputs_.orders.slot(descriptor.number, window_), sizeof(NatOrders));
}

void Binder::look_near(const chain::Descriptor& descriptor, memory::Batch& batch, const NatOrders& likely) noexcept {
  Bindings const bindings(table_, batch, hash_, *searches_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead / 2); ++i)
    bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i)));
  bool const maybe = descriptor.flow != 0 && descriptor.state == chain::FlowState::fresh && descriptor.verdict == chain::Verdict::accept;
  if (!maybe || bindings.has(descriptor.flow - 1, descriptor.flow_generation)) return;
  if (descriptor.flow <= table_.flows()) memory::prefetch(&inputs_.conntrack.entries(table_.flows())[descriptor.flow - 1].tuples[1], sizeof(SharedTuple));
  bindings.prefetch(NatState::by_original, descriptor.tuple);
  bindings.prefetch(NatState::by_source, descriptor.tuple);
  packet::Tuple tuple = descriptor.tuple;
  auto const become = [](const packet::NatRange& range, std::array<uint8_t, 16>& address) {
    if ((range.flags & packet::NatRange::map_ips) != 0) address = range.min_address.bytes;
  };
  if (likely.source != 0) become(likely.source_range, tuple.src);
  if (likely.destination != 0) become(likely.destination_range, tuple.dst);
  auto const reply = packet::inverse(tuple);
  if (!reply) return;
  bindings.prefetch(NatState::by_original, *reply);
  bindings.prefetch(NatState::by_reply, *reply);
}

bool Binder::make_room(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (descriptor.flow > table_.flows() || descriptor.direction != chain::Direction::original) return false;
  Bindings(table_, batch, hash_, *searches_).remove(descriptor.flow - 1);
  return true;
}

Binder::Bound Binder::bind(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (!make_room(descriptor, batch)) return {};
  uint32_t const index = descriptor.flow - 1;
  NatOrders const orders = orders_for(descriptor);
  uint16_t const reply_zone = reply_zone_of(inputs_.conntrack, table_.flows(), descriptor.flow);
  BoundOthers const others(flows(), index, reply_zone, searches_.get());
  packet::Tuple tuple = descriptor.tuple;
  if (orders.destination != 0)
    tuple = packet::tuple_in(tuple, orders.destination_range, packet::Part::destination, others, chance_, descriptor.number);
  packet::NatRange const source = orders.source != 0 ? orders.source_range : packet::null_range(tuple);
  tuple = packet::tuple_in(tuple, source, packet::Part::source, others, chance_, descriptor.number);
  auto reply = packet::inverse(tuple);
  if (reply) reply->zone = reply_zone;
  if (!reply || others.used(tuple)) return {{}, true};
  uint32_t const flags = changed_parts(descriptor.tuple, tuple);
  Bindings(table_, batch, hash_, *searches_).add(index, descriptor.flow_generation, flags, descriptor.tuple, *reply);
  return {{flags | Binding::used, descriptor.tuple, *reply}, false};
}

}  // namespace bulkhead::state
