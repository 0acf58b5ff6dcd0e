#include "services/conntrack/confirm.h"

namespace bulkhead::conntrack {

bool Confirm::visit(const Descriptor& descriptor) noexcept {
  bool const passed = descriptor.gone_count == 0 || pass_gone(descriptor);
  return decide(descriptor) && passed;
}

bool Confirm::decide(const Descriptor& descriptor) noexcept {
  if (descriptor.flow == 0) return true;
  uint32_t const index = descriptor.flow - 1;
  if (index >= table_.capacity()) return false;
  FlowEntry& entry = table_.entry(index);
  if (entry.generation.load() != descriptor.flow_generation) return true;  // gone since
  if (entry.created.load() != descriptor.number) return true;
  uint32_t const status = entry.status.load();
  if ((status & (Status32::used | Status32::confirmed)) != Status32::used) return true;
  if (descriptor.verdict == Verdict::drop) {
    table_.remove_dropped(index);
    return true;
  }
  batch_.touch(entry.stamp);
  batch_.set(entry.status, status | Status32::confirmed);
  batch_.add(state_.unconfirmed, ~0U);
  return true;
}

// Up to where track had listed them: what one descriptor says wrongly, the next one mends.
bool Confirm::pass_gone(const Descriptor& descriptor) noexcept {
  uint64_t const passed = state_.gone_passed.load();
  uint64_t const more = descriptor.gone_first + descriptor.gone_count - passed;
  if (more == 0 || more > state_.gone_count.load() - passed) return false;
  batch_.set(state_.gone_passed, passed + more);
  return true;
}

}  // namespace bulkhead::conntrack
