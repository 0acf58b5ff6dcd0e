#include "ipc/state/flow_views.h"

namespace bulkhead::state {

FlowNow flow_now(const FlowEntry& entry, uint64_t number) noexcept {
  FlowNow now{};
  now.number = number;
  now.status = entry.status.load() & ~(Status32::used | Status32::apart | Status32::foreseen);
  now.expires_ns = (now.status & Status32::confirmed) != 0 ? entry.expires_ns.load() : 0;
  for (size_t i = 0; i < 2; ++i) {
    now.packets[i] = entry.counters[i].packets.load();
    now.bytes[i] = entry.counters[i].bytes.load();
  }
  return now;
}

FlowNow flow_meant(const FlowEntry& entry, FlowHit hit, uint64_t number) noexcept {
  FlowNow now = flow_now(entry, number);
  now.flow = hit.index + 1;
  now.generation = entry.generation.load();
  now.direction = hit.direction;
  return now;
}

}  // namespace bulkhead::state