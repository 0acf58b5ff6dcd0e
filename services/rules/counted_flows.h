// services/rules/counted_flows.h: which flows are there, and which TCP has closed, for rules that count connections.
//
// Who     decide.h, of every number: before its visit and behind it.
// Told    by the flow's own packets, as of their track; by conntrack's deletions, as the number that brought them about passes; and
//         by what rules themselves do with a packet: refuse it with a reset, or drop the first one of a flow.
// Weak    a flow whose first packet nat or confirm drops, for want of a free tuple or a place, is there until its entry is used again.
#pragma once

#include "common/ruleset/run/connections.h"
#include "ipc/chain/descriptor.h"
#include "ipc/state/flow_views.h"

namespace bulkhead::rules {

class CountedFlows {
 public:
  static constexpr size_t kGoneMost = 1024;  // that one number brings about
  static constexpr size_t kWordsEach = kGoneMost + 2;

  CountedFlows(const state::ConntrackState& conntrack, const ruleset::Connections& where) : conntrack_(conntrack), where_(where) {}

  void before(const chain::Descriptor& descriptor, const state::FlowNow& now, ruleset::StateWords& words) noexcept;
  void behind(const chain::Descriptor& descriptor, ruleset::StateWords& words) noexcept;

 private:
  const state::ConntrackState& conntrack_;
  ruleset::Connections where_;
  bool begins_ = false;  // the packet, a flow
};

}  // namespace bulkhead::rules
