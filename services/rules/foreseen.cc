#include "services/rules/foreseen.h"

namespace bulkhead::rules {

void Foreseen::before(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  bound_ = binder_.has(descriptor);
  binder_.let_go(descriptor, batch);
}

const packet::OtherFlows* Foreseen::others(const chain::Descriptor& descriptor) noexcept {
  if (!sees(descriptor.tuple)) return nullptr;
  bool const begins = descriptor.kind == chain::Kind::packet && descriptor.verdict == chain::Verdict::accept && descriptor.flow != 0 &&
                      descriptor.state == chain::FlowState::fresh && descriptor.direction == chain::Direction::original;
  if (!begins) return nullptr;
  state::BoundFlows const flows = binder_.flows();
  return &others_.emplace(flows, descriptor.flow - 1, state::reply_zone_of(conntrack_, flows.capacity(), descriptor.flow), binder_.searches());
}

void Foreseen::behind(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (bound_) return;
  bool const begins = descriptor.kind == chain::Kind::packet && descriptor.flow != 0 && chain::passed_hooks(descriptor) &&
                      descriptor.state == chain::FlowState::fresh;
  if (!begins) return;
  if (!sees(descriptor.tuple)) return void(binder_.make_room(descriptor, batch));
  last_ = binder_.orders_for(descriptor);
  static_cast<void>(binder_.bind(descriptor, batch));
}

}  // namespace bulkhead::rules
