#include "services/nat/bind.h"

namespace bulkhead::nat {

Bind::Bind(const Objects& objects, const control::Settings& settings)
    : objects_(objects),
      window_(objects.edits.header.capacity),
      enabled_(objects.state.header.capacity != 0),
      binder_(state::BindingTable(objects.state), {objects.conntrack, objects.orders}, settings.seed),
      counting_(objects.state.counts) {}

void Bind::visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (enabled_) {
    bool const passes = descriptor.kind == chain::Kind::packet && chain::passed_hooks(descriptor) && descriptor.flow != 0;
    state::BindingView binding;
    // A reset that ends its own flow is still translated.
    if (passes) binding = state::binding_of(objects_.state, descriptor.flow, descriptor.flow_generation);
    binder_.let_go(descriptor, batch);
    if (passes) {
      if (binding.flags == 0 && descriptor.state == chain::FlowState::fresh) binding = bind(descriptor, batch);
      if (binding.translates() && chain::passed_hooks(descriptor)) edit(descriptor, binding);
    }
  }
  counting_.visit(descriptor, batch);
}

state::BindingView Bind::bind(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  auto const bound = binder_.bind(descriptor, batch);
  if (bound.clashes) {
    descriptor.verdict = chain::Verdict::drop;
    descriptor.reason = chain::DropReason::nat_clash;
    descriptor.facts &= static_cast<uint16_t>(~chain::Facts::left);
    batch.add(objects_.state.clashes, uint64_t{1});
  } else if (bound.binding.flags != 0) {
    batch.add(objects_.state.bound, uint64_t{1});
  }
  return bound.binding;
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
