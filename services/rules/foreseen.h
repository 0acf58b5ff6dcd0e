// services/rules/foreseen.h: what nat will have bound when it comes to a packet, where chains may see what it chooses.
//
// Who     decide.h, of every number: before its visit and behind it. A new flow's choice is made by the bindings as they are then.
// Why     nat binds out of what rules hand it, and nothing else: the same steps (ipc/state/binder.h) over the same packets come to
//         the same bindings, without waiting for nat to be there.
// Which   of ICMP alone, where nothing else is seen (common/ruleset/compile/choices.h): no flow of another protocol has such a tuple.
// Crash   they lie behind the words of rules.state, and are changed within the batch.
#pragma once

#include <optional>

#include "common/ruleset/run/program.h"
#include "ipc/state/binder.h"
#include "ipc/state/other_flows.h"

namespace bulkhead::rules {

class Foreseen {
 public:
  static constexpr size_t kWordsEach = state::Binder::kWordsEach;

  /// `which`: not none.
  Foreseen(const state::BindingTable& table, const state::Binder::Inputs& inputs, uint64_t seed, ruleset::Choices which)
      : all_(which == ruleset::Choices::all), conntrack_(inputs.conntrack), binder_(table, inputs, seed) {}

  void look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept { binder_.look_ahead(descriptor, batch); }
  void look_near(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    if (sees(descriptor.tuple)) binder_.look_near(descriptor, batch, last_);
  }
  void before(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// By whom a flow that begins with the packet finds tuples taken; null: no chain sees what it gets.
  [[nodiscard]] const packet::OtherFlows* others(const chain::Descriptor& descriptor) noexcept;
  /// With the verdict, and the orders.
  void behind(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;

 private:
  [[nodiscard]] bool sees(const packet::Tuple& tuple) const noexcept { return all_ || tuple.is_icmp(); }

  bool all_;
  const state::ConntrackState& conntrack_;
  state::Binder binder_;
  bool bound_ = false;  // the packet's flow, before its visit
  std::optional<state::BoundOthers> others_;
  state::NatOrders last_{};  // of the newest flow: many others are translated as it was
};

}  // namespace bulkhead::rules
