// services/rules/flow_of_answer.h: the flow that belongs to what the firewall says about a packet.
//
// Which   the packet's own (nf_ct_attach). Of a packet that has none: the one that an ICMP error is related to by what it quotes, or
//         that a TCP reset is a packet of; track has looked it up (ipc/state/flow_views.h). Rules may have set the packet's addresses
//         or its transport header since: then it is looked up here, by the tuple that is quoted now.
// Stable  for that conntrack's table is read as it is. Where rules set such fields, track lets a packet without a flow pass only
//         when all others are home, and none behind it until it is; and no flow takes the fast lane.
// Trust   views are copied, table indices checked against the table as mapped; a wrong one gives a wrong flow, not more.
#pragma once

#include "common/base/hash.h"
#include "ipc/control/settings.h"
#include "ipc/control/settings.h"
#include "ipc/state/answers.h"
#include "ipc/state/flow_views.h"
#include "ipc/tracking/timeouts.h"

namespace bulkhead::rules {

class FlowOfAnswer {
 public:
  struct Objects {
    const state::FlowViews& views;
    const state::ConntrackState& table;
  };
  FlowOfAnswer(const Objects& objects, const control::Settings& settings);

  /// What track said of the packet's flow, or the one meant; nothing where it said nothing.
  [[nodiscard]] state::FlowNow view(const chain::Descriptor& descriptor) const noexcept;
  /// `refused`: the packet, as it is quoted. Its tuple and what a reset about it is made of become the descriptor's, where rules
  /// have set them: confirm tracks the reset by that.
  [[nodiscard]] state::FlowNow of(chain::Descriptor& descriptor, state::Answer::Kind kind, std::span<const uint8_t> refused) const noexcept;

 private:
  [[nodiscard]] state::FlowNow look_up(const chain::Descriptor& descriptor) const noexcept;

  Objects objects_;
  uint64_t window_;
  state::FlowFinder finder_;
  TupleHash hash_;
  bool sets_tuples_;
  tracking::TimeoutPolicies policies_;
};

}  // namespace bulkhead::rules
