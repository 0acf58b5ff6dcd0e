// services/pktio/lanes/judging.h: a packet on its way in: does it go by the lane, and what becomes of it and its flow there.
//
// Before  receive.h. After: home.h, at the packet's turn, if it goes by the lane; else the chain.
// Same    conntrack's own functions (ipc/tracking/) say what the packet does to its flow. What they do not plainly accept goes
//         into the chain, and so does what the lane's plan is not for.
// Order   a packet goes by the lane only if no other of its flow is in the chain. It has its number, and waits for its turn to
//         go home in a slot of its own.
// Cost    rules' counters are gathered, and stored once a batch.
#pragma once

#include <span>
#include <vector>

#include "ipc/control/settings.h"
#include "ipc/tracking/timeouts.h"
#include "services/pktio/inflight.h"
#include "services/pktio/lanes/by_tuple.h"
#include "services/pktio/lanes/flow_table_room.h"
#include "services/pktio/lanes/in_chain.h"

namespace bulkhead::pktio {

class Judging {
 public:
  struct Objects {
    LanesByTuple& lanes;
    const FlowTableRoom& room;
    InChain& in_chain;
    state::PktioState& state;
    state::LanedPackets& packets;
  };
  Judging(const Objects& objects, const control::Settings& settings, uint64_t window);

  /// With number and time; `hash`: as look_ahead() gave it. True: it has gone by the lane. False: it goes into the chain.
  bool take(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, memory::Batch& batch);
  void store(memory::Batch& batch);

 private:
  [[nodiscard]] bool usable(const state::Lane& lane, const state::LanePlan& plan, const chain::Descriptor& descriptor, std::span<const uint8_t> frame) const noexcept;
  [[nodiscard]] bool track(state::Lane& lane, chain::Direction way, const chain::Descriptor& descriptor, memory::Batch& batch) const noexcept;
  void go(uint32_t flow, chain::Direction way, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch);
  /// In the lane's own counters and in those of rules.
  void count(state::LaneSide& side, uint32_t bytes, memory::Batch& batch);
  /// It brings its flow back to conntrack, if that is not there yet.
  void take_back(state::Lane& lane, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch);

  Objects objects_;
  uint64_t window_;
  bool router_;
  std::vector<uint32_t> mtus_;
  tracking::TimeoutPolicies policies_;
  /// Of rules' counters, by first words, since the last store().
  struct Count {
    uint64_t packets = 0, bytes = 0;
  };
  std::vector<Count> counts_;
  std::vector<uint32_t> counted_;  // words of those that are not 0
  uint64_t gone_ = 0;              // packets that went by the lane, since the last store()
};

}  // namespace bulkhead::pktio
