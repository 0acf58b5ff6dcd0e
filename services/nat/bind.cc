#include "services/nat/bind.h"

#include <algorithm>

#include "ipc/state/other_flows.h"

namespace bulkhead::nat {
namespace {

uint32_t changed_parts(const packet::Tuple& before, const packet::Tuple& after) {
  uint32_t flags = 0;
  if (before.src != after.src || before.src_port != after.src_port) flags |= state::Binding::source;
  if (before.dst != after.dst || (!before.is_icmp() && before.dst_port != after.dst_port)) flags |= state::Binding::destination;
  return flags;
}

}  // namespace

Bind::Bind(const Objects& objects, const control::Settings& settings)
    : objects_(objects),
      window_(objects.edits.header.capacity),
      hash_(settings.seed),
      chance_(settings.seed),
      enabled_(objects.state.header.capacity != 0),
      counting_(objects.state.counts) {}

void Bind::visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (enabled_) {
    Bindings bindings(objects_.state, batch, hash_);
    bool const passes = descriptor.kind == chain::Kind::packet && chain::passed_hooks(descriptor) && descriptor.flow != 0;
    state::BindingView binding;
    // A reset that ends its own flow is still translated.
    if (passes) binding = state::binding_of(objects_.state, descriptor.flow, descriptor.flow_generation);
    if (descriptor.gone_count != 0) let_go(descriptor, bindings);
    if (passes) {
      if (binding.flags == 0 && descriptor.state == chain::FlowState::fresh) binding = bind(descriptor, batch, bindings);
      if (binding.translates() && chain::passed_hooks(descriptor)) edit(descriptor, binding);
    }
  }
  counting_.visit(descriptor, batch);
}

/// Entry and, from bit 32 on, generation.
uint64_t Bind::gone(const chain::Descriptor& descriptor, size_t which) const noexcept {
  return objects_.conntrack.gone[(descriptor.gone_first + which) % state::ConntrackState::kGone].load();
}

/// A tick may bring hundreds: those to come are fetched while the first ones go.
void Bind::let_go(const chain::Descriptor& descriptor, Bindings& bindings) noexcept {
  size_t const count = std::min<size_t>(descriptor.gone_count, kGoneMost);
  for (size_t i = 0; i < count; ++i) {
    if (i + kGoneAhead < count) bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead)));
    if (i + kGoneAhead / 2 < count) bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead / 2)));
    uint64_t const flow = gone(descriptor, i);
    auto const index = static_cast<uint32_t>(flow);
    if (bindings.has(index, static_cast<uint32_t>(flow >> 32))) bindings.remove(index);
  }
}

void Bind::look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (!enabled_) return;
  Bindings const bindings(objects_.state, batch, hash_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead); ++i)
    bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i)));
  if (descriptor.flow != 0) bindings.prefetch_entry(descriptor.flow - 1);
  if ((descriptor.orders & chain::Orders::translate) == 0) return;
  memory::prefetch(&objects_.orders.slot(descriptor.number, window_), sizeof(state::NatOrders));
}

void Bind::look_near(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (!enabled_) return;
  Bindings const bindings(objects_.state, batch, hash_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead / 2); ++i)
    bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i)));
  bool const maybe = descriptor.flow != 0 && descriptor.state == chain::FlowState::fresh && descriptor.verdict == chain::Verdict::accept;
  if (!maybe || bindings.has(descriptor.flow - 1, descriptor.flow_generation)) return;
  bindings.prefetch(state::NatState::by_original, descriptor.tuple);
  bindings.prefetch(state::NatState::by_source, descriptor.tuple);
  packet::Tuple likely = descriptor.tuple;
  if ((descriptor.orders & chain::Orders::translate) != 0) {
    state::NatOrders orders{};
    memory::copy_out(&orders, &objects_.orders.slot(descriptor.number, window_), sizeof orders);
    auto const become = [](const packet::NatRange& range, std::array<uint8_t, 16>& address) {
      if ((range.flags & packet::NatRange::map_ips) != 0) address = range.min_address.bytes;
    };
    if (orders.source != 0) become(orders.source_range, likely.src);
    if (orders.destination != 0) become(orders.destination_range, likely.dst);
  }
  auto const reply = packet::inverse(likely);
  if (!reply) return;
  bindings.prefetch(state::NatState::by_original, *reply);
  bindings.prefetch(state::NatState::by_reply, *reply);
}

state::BindingView Bind::bind(chain::Descriptor& descriptor, memory::Batch& batch, Bindings& bindings) noexcept {
  if (descriptor.flow > bindings.capacity() || descriptor.direction != chain::Direction::original) return {};
  uint32_t const index = descriptor.flow - 1;
  state::NatOrders orders{};
  if ((descriptor.orders & chain::Orders::translate) != 0)
    memory::copy_out(&orders, &objects_.orders.slot(descriptor.number, window_), sizeof orders);
  bool const meant = orders.number == descriptor.number;
  uint16_t const reply_zone = state::reply_zone_of(objects_.conntrack, bindings.capacity(), descriptor.flow);
  state::BoundOthers const others(bindings, index, reply_zone);
  packet::Tuple tuple = descriptor.tuple;
  if (meant && orders.destination != 0)
    tuple = packet::tuple_in(tuple, orders.destination_range, packet::Part::destination, others, chance_, descriptor.number);
  packet::NatRange const source = meant && orders.source != 0 ? orders.source_range : packet::null_range(tuple);
  tuple = packet::tuple_in(tuple, source, packet::Part::source, others, chance_, descriptor.number);
  auto reply = packet::inverse(tuple);
  if (reply) reply->zone = reply_zone;
  if (!reply || others.used(tuple)) {
    descriptor.verdict = chain::Verdict::drop;
    descriptor.reason = chain::DropReason::nat_clash;
    descriptor.facts &= static_cast<uint16_t>(~chain::Facts::left);
    batch.add(objects_.state.clashes, uint64_t{1});
    return {};
  }
  uint32_t const flags = changed_parts(descriptor.tuple, tuple);
  bindings.add(index, descriptor.flow_generation, flags, descriptor.tuple, *reply);
  return {flags | state::Binding::used, descriptor.tuple, *reply};
}

void Bind::edit(chain::Descriptor& descriptor, const state::BindingView& binding) noexcept {
  state::NatEdit edit{};
  edit.number = descriptor.number;
  edit.what = state::rewriting_of(binding, descriptor.direction, descriptor.quote);
  if (edit.what.outer == 0) return;
  memory::copy_in(&objects_.edits.slot(descriptor.number, window_), &edit, sizeof edit);
  descriptor.orders |= chain::Orders::translated;
}

}  // namespace bulkhead::nat
