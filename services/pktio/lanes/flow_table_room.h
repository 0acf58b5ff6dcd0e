// services/pktio/lanes/flow_table_room.h: whether conntrack's table might fill up with what is in the chain.
//
// Who     begin(), before packets are taken in; judging.h and admission.h ask.
// Full    flows that are not assured may be evicted from a full table, of which pktio would know too late. Where the table might
//         fill up, the lanes of such flows end for good: lane_epoch.
// Crash   lane_epoch and lane_crowded are in pktio's batch.
#pragma once

#include "ipc/memory/commit.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/lanes.h"

namespace bulkhead::pktio {

class FlowTableRoom {
 public:
  FlowTableRoom(state::PktioState& state, const state::ConntrackState& conntrack, uint64_t flows, uint64_t window)
      : state_(state), conntrack_(conntrack), flows_(flows), window_(window) {}

  void begin(memory::Batch& batch) {
    // No more packets than a window can make entries that have not been counted yet.
    roomy_ = conntrack_.used.load() + 2 * window_ < flows_;
    bool const crowded = state_.lane_crowded.load() != 0;
    if (roomy_ == !crowded) return;
    batch.set(state_.lane_crowded, roomy_ ? 0U : 1U);
    if (!roomy_) batch.set(state_.lane_epoch, state_.lane_epoch.load() + 1);
  }

  [[nodiscard]] bool is_roomy() const noexcept { return roomy_; }
  /// Of a lane that is made now. While the table may fill up none of a flow that is not assured is good, not even once there is room again.
  [[nodiscard]] uint32_t epoch() const noexcept {
    uint32_t const now = state_.lane_epoch.load();
    return roomy_ ? now : now - 1;
  }
  /// Of a flow that is not assured: could it not have been evicted?
  [[nodiscard]] bool keeps(const state::Lane& lane) const noexcept { return roomy_ && lane.epoch.load() == state_.lane_epoch.load(); }

 private:
  state::PktioState& state_;
  const state::ConntrackState& conntrack_;
  uint64_t flows_, window_;
  bool roomy_ = false;
};

}  // namespace bulkhead::pktio
