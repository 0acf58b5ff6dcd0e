#include "services/nat/bind.h"

#include <algorithm>

#include "ipc/state/other_flows.h"

namespace bulkhead::nat {
namespace {

uint32_t changed_parts(const Tuple& before, const Tuple& after) {
  uint32_t flags = 0;
  if (before.src != after.src || before.src_port != after.src_port) flags |= Binding::source;
  if (before.dst != after.dst || (!before.is_icmp() && before.dst_port != after.dst_port)) flags |= Binding::destination;
  return flags;
}

}  // namespace

Bind::Bind(const Objects& objects, const Settings& settings)
    : objects_(objects),
      window_(objects.edits.header.capacity),
      hash_(settings.seed),
      chance_(settings.seed),
      enabled_(objects.state.header.capacity != 0),
      counting_(objects.state.counts, settings.chain == Settings::Chain::empty) {}

void Bind::visit(Descriptor& descriptor, Batch& batch) noexcept {
  if (enabled_) {
    Bindings bindings(objects_.state, batch, hash_);
    bool const passes = descriptor.kind == Kind::packet && descriptor.verdict == Verdict::accept && descriptor.flow != 0;
    BindingView binding;
    // A reset that ends its own flow is still translated.
    if (passes) binding = binding_of(objects_.state, descriptor.flow, descriptor.flow_generation);
    if (descriptor.gone_count != 0) let_go(descriptor, bindings);
    if (passes) {
      if (binding.flags == 0 && descriptor.state == FlowState::fresh) binding = bind(descriptor, batch, bindings);
      if (binding.translates() && descriptor.verdict == Verdict::accept) edit(descriptor, binding);
    }
  }
  counting_.visit(descriptor, batch);
}

/// Entry and, from bit 32 on, generation.
uint64_t Bind::gone(const Descriptor& descriptor, size_t which) const noexcept {
  return objects_.conntrack.gone[(descriptor.gone_first + which) % ConntrackState::kGone].load();
}

/// A tick may bring hundreds: those to come are fetched while the first ones go.
void Bind::let_go(const Descriptor& descriptor, Bindings& bindings) noexcept {
  size_t const count = std::min<size_t>(descriptor.gone_count, kGoneMost);
  for (size_t i = 0; i < count; ++i) {
    if (i + kGoneAhead < count) bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead)));
    if (i + kGoneAhead / 2 < count) bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i + kGoneAhead / 2)));
    uint64_t const flow = gone(descriptor, i);
    auto const index = static_cast<uint32_t>(flow);
    if (bindings.has(index, static_cast<uint32_t>(flow >> 32))) bindings.remove(index);
  }
}

void Bind::look_ahead(const Descriptor& descriptor, Batch& batch) noexcept {
  if (!enabled_) return;
  Bindings const bindings(objects_.state, batch, hash_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead); ++i)
    bindings.prefetch_entry(static_cast<uint32_t>(gone(descriptor, i)));
  if (descriptor.flow != 0) bindings.prefetch_entry(descriptor.flow - 1);
  if ((descriptor.orders & Orders::translate) == 0) return;
  prefetch(&objects_.orders.slot(descriptor.number, window_), sizeof(NatOrders));
}

void Bind::look_near(const Descriptor& descriptor, Batch& batch) noexcept {
  if (!enabled_) return;
  Bindings const bindings(objects_.state, batch, hash_);
  for (size_t i = 0; i < std::min<size_t>(descriptor.gone_count, kGoneAhead / 2); ++i)
    bindings.prefetch_chains(static_cast<uint32_t>(gone(descriptor, i)));
  bool const maybe = descriptor.flow != 0 && descriptor.state == FlowState::fresh && descriptor.verdict == Verdict::accept;
  if (!maybe || bindings.has(descriptor.flow - 1, descriptor.flow_generation)) return;
  bindings.prefetch(NatState::by_original, descriptor.tuple);
  bindings.prefetch(NatState::by_source, descriptor.tuple);
  Tuple likely = descriptor.tuple;
  if ((descriptor.orders & Orders::translate) != 0) {
    NatOrders orders{};
    copy_out(&orders, &objects_.orders.slot(descriptor.number, window_), sizeof orders);
    auto const become = [](const NatRange& range, std::array<uint8_t, 16>& address) {
      if ((range.flags & NatRange::map_ips) != 0) address = range.min_address.bytes;
    };
    if (orders.source != 0) become(orders.source_range, likely.src);
    if (orders.destination != 0) become(orders.destination_range, likely.dst);
  }
  auto const reply = inverse(likely);
  if (!reply) return;
  bindings.prefetch(NatState::by_original, *reply);
  bindings.prefetch(NatState::by_reply, *reply);
}

BindingView Bind::bind(Descriptor& descriptor, Batch& batch, Bindings& bindings) noexcept {
  if (descriptor.flow > bindings.capacity() || descriptor.direction != Direction::original) return {};
  uint32_t const index = descriptor.flow - 1;
  NatOrders orders{};
  if ((descriptor.orders & Orders::translate) != 0)
    copy_out(&orders, &objects_.orders.slot(descriptor.number, window_), sizeof orders);
  bool const meant = orders.number == descriptor.number;
  BoundOthers const others(bindings, index);
  Tuple tuple = descriptor.tuple;
  if (meant && orders.destination != 0)
    tuple = tuple_in(tuple, orders.destination_range, Part::destination, others, chance_, descriptor.number);
  NatRange const source = meant && orders.source != 0 ? orders.source_range : null_range(tuple);
  tuple = tuple_in(tuple, source, Part::source, others, chance_, descriptor.number);
  auto const reply = inverse(tuple);
  if (!reply || others.used(tuple)) {
    descriptor.verdict = Verdict::drop;
    descriptor.reason = DropReason::nat_clash;
    batch.add(objects_.state.clashes, uint64_t{1});
    return {};
  }
  uint32_t const flags = changed_parts(descriptor.tuple, tuple);
  bindings.add(index, descriptor.flow_generation, flags, descriptor.tuple, *reply);
  return {flags | Binding::used, descriptor.tuple, *reply};
}

void Bind::edit(Descriptor& descriptor, const BindingView& binding) noexcept {
  NatEdit edit{};
  edit.number = descriptor.number;
  edit.what = rewriting_of(binding, descriptor.direction, descriptor.quote);
  if (edit.what.outer == 0) return;
  copy_in(&objects_.edits.slot(descriptor.number, window_), &edit, sizeof edit);
  descriptor.orders |= Orders::translated;
}

}  // namespace bulkhead::nat
