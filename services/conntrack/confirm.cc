#include "services/conntrack/confirm.h"

namespace bulkhead::conntrack {

bool Confirm::visit(const Descriptor& descriptor) noexcept {
  if (descriptor.gone_count != 0)
    batch_.add(state_.gone_passed, uint64_t{descriptor.gone_count});
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

}  // namespace bulkhead::conntrack
