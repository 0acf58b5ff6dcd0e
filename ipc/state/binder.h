// ipc/state/binder.h: what a packet changes in a table of bindings: flows that have ended are let go, a first packet's flow is bound.
//
// Who     nat, of nat.state, of each packet behind rules. rules, of a table of their own, where chains see what nat chooses
//         (services/rules/foreseen.h): out of the same packets, deletions and orders both come to the same bindings.
// Crash   every change is in the caller's batch.
// Source  nf_nat_core.c: nf_nat_setup_info, nf_nat_alloc_null_binding.
#pragma once

#include <memory>

#include "common/base/chance.h"
#include "ipc/state/bind_flows.h"
#include "ipc/state/nat_orders.h"

namespace bulkhead::state {

class Binder {
 public:
  /// conntrack lists as many deletions in one number at most.
  static constexpr size_t kGoneMost = 1024;
  static constexpr size_t kWordsEach = Bindings::kWordsToAdd + (kGoneMost + 1) * Bindings::kWordsToRemove;

  struct Inputs {
    const ConntrackState& conntrack;
    const NatOrdersTable& orders;
  };
  Binder(const BindingTable& table, const Inputs& inputs, uint64_t seed)
      : table_(table), inputs_(inputs), window_(inputs.orders.header.capacity), hash_(seed), searches_(std::make_unique<PortSearches>()), chance_(seed) {}

  /// What rules want of the packet's flow; all 0: nothing.
  [[nodiscard]] NatOrders orders_for(const chain::Descriptor& descriptor) const noexcept;
  /// Of a descriptor that is visited soon, and the same one very soon: memory that it will want. `likely`: of its flow.
  void look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void look_near(const chain::Descriptor& descriptor, memory::Batch& batch, const NatOrders& likely) noexcept;

  [[nodiscard]] BoundFlows flows() noexcept { return {table_, hash_}; }
  [[nodiscard]] PortSearches* searches() noexcept { return searches_.get(); }
  /// Is the packet's flow bound?
  [[nodiscard]] bool has(const chain::Descriptor& descriptor) noexcept {
    return descriptor.flow != 0 && flows().has(descriptor.flow - 1, descriptor.flow_generation);
  }
  /// Flows that the number has ended.
  void let_go(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;

  struct Bound {
    BindingView binding;   // none: it begins no flow, or
    bool clashes = false;  // what it may become is all taken
  };
  /// Of a packet behind every hook whose flow is fresh and not bound. Who had its entry before is let go first.
  [[nodiscard]] Bound bind(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// That alone. False: the packet begins no flow.
  bool make_room(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;

 private:
  static constexpr size_t kGoneAhead = 8;  // that are looked at before

  [[nodiscard]] uint64_t gone(const chain::Descriptor& descriptor, size_t which) const noexcept;

  BindingTable table_;
  Inputs inputs_;
  uint64_t window_;
  TupleHashes hash_;
  std::unique_ptr<PortSearches> searches_;
  Chance chance_;
};

}  // namespace bulkhead::state
