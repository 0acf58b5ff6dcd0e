// services/nat/bind.h: the visit of nat: a flow's first packet is bound, every packet learns what it becomes.
//
// Before  rules, which says what is wanted of a first packet (ipc/state/nat_orders.h). After: conntrack's confirm, which puts the
//         reply tuple into the flow table; pktio's home, which changes the bytes.
// Who     once a ruleset translates, every flow is bound, translated or not: a direct flow whose reply would be another's has
//         its source port moved, as the kernel's null binding does.
// Crash   bindings within the batch; edits in slots of their own.
// Source  nf_nat_core.c: nf_nat_setup_info, nf_nat_alloc_null_binding, nf_nat_icmp_reply_translation.
#pragma once

#include "ipc/chain/counting.h"
#include "ipc/control/settings.h"
#include "ipc/state/nat_orders.h"
#include "services/nat/bindings.h"

namespace bulkhead::nat {

class Bind {
 public:
  static constexpr size_t kWordsEnd = chain::Counting::kWordsEnd;
  /// conntrack lists as many deletions in one number at most.
  static constexpr size_t kGoneMost = 1024;
  static constexpr size_t kGoneAhead = 8;  // that are looked at before

  struct Objects {
    state::NatState& state;
    const state::ConntrackState& conntrack;
    const state::NatOrdersTable& orders;
    state::NatEdits& edits;
  };
  Bind(const Objects& objects, const control::Settings& settings);

  [[nodiscard]] size_t words_each() const {
    return enabled_ ? Bindings::kWordsToAdd + kGoneMost * Bindings::kWordsToRemove : 0;
  }
  void visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// Of a descriptor that is visited soon, and the same one very soon: memory that it will want.
  void look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void look_near(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void end(memory::Batch& batch) noexcept { counting_.end(batch); }

 private:
  [[nodiscard]] uint64_t gone(const chain::Descriptor& descriptor, size_t which) const noexcept;
  void let_go(const chain::Descriptor& descriptor, Bindings& bindings) noexcept;
  [[nodiscard]] state::BindingView bind(chain::Descriptor& descriptor, memory::Batch& batch, Bindings& bindings) noexcept;
  void edit(chain::Descriptor& descriptor, const state::BindingView& binding) noexcept;

  Objects objects_;
  uint64_t window_;
  state::TupleHashes hash_;
  Chance chance_;
  bool enabled_;
  chain::Counting counting_;
};

}  // namespace bulkhead::nat
