// services/pktio/lanes/admission.h: packets that come home from the chain: how their flows get lanes, and get them back.
//
// Before  home.h, for each packet by the chain. After: judging.h, for the flow's next.
// Who     rules has said of a packet that nothing in it could differ for its flow's next (Facts::steady); then its fate becomes
//         the plan of its direction. conntrack's entry says what the flow is.
// Order   a flow gets a lane only while no packet of it is in the chain, and gets it back with the last one that was.
// Full    a flow that might be evicted has none while the flow table might fill up (flow_table_room.h).
// Trust   conntrack's entry is read as of one committed state, and checked; so is what rules says of counters.
#pragma once

#include <optional>

#include "common/packet/nat_rewrite.h"
#include "services/pktio/inflight.h"
#include "services/pktio/lanes/by_tuple.h"
#include "services/pktio/lanes/flow_table_room.h"
#include "services/pktio/lanes/in_chain.h"

namespace bulkhead::pktio {

class Admission {
 public:
  struct Objects {
    LanesByTuple& lanes;
    const FlowTableRoom& room;
    InChain& in_chain;
    const state::MetCountersTable& met_counters;
    const state::FlowEntry* entries;  // conntrack's, as many as there are lanes; null: there are none
    const memory::CommitArea& conntrack_commit;
  };
  Admission(const Objects& objects, uint64_t window) : objects_(objects), window_(window) {}

  /// `what`: how it was translated; null: its descriptor cannot be right.
  void came_home(const chain::Descriptor& descriptor, const InFlight& slot, const packet::Rewriting* what, memory::Batch& batch);

 private:
  /// What conntrack's entry says.
  struct Flow {
    uint32_t generation, status, protocol_state, timeouts;
    uint64_t created, expires_ns, started_ns;
    LanesByTuple::Keys keys;
    std::array<uint64_t, 7> protocol_words;
  };
  [[nodiscard]] std::optional<Flow> look(uint32_t flow, uint32_t generation) const noexcept;
  void back(uint32_t flow, const chain::Descriptor& descriptor, memory::Batch& batch);
  static void take_over(state::Lane& lane, const Flow& known, memory::Batch& batch);
  void admit(const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch);
  [[nodiscard]] bool may_be_admitted(const chain::Descriptor& descriptor, const packet::Rewriting& what) const noexcept;
  void plan(state::LaneSide& side, const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch);
  [[nodiscard]] bool make(uint32_t flow, const Flow& known, memory::Batch& batch);
  [[nodiscard]] bool answers_another(uint32_t flow, const Flow& known) const noexcept;

  Objects objects_;
  uint64_t window_;
};

}  // namespace bulkhead::pktio
