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
  static constexpr size_t kWordsEnd = Counting::kWordsEnd;
  /// conntrack lists as many deletions in one number at most.
  static constexpr size_t kGoneMost = 1024;
  static constexpr size_t kGoneAhead = 8;  // that are looked at before

  struct Objects {
    NatState& state;
    const ConntrackState& conntrack;
    NatOrdersTable& orders;
    NatEdits& edits;
  };
  Bind(const Objects& objects, const Settings& settings);

  [[nodiscard]] size_t words_each() const {
    return enabled_ ? Bindings::kWordsToAdd + kGoneMost * Bindings::kWordsToRemove : 0;
  }
  void visit(Descriptor& descriptor, Batch& batch) noexcept;
  /// Of a descriptor that is visited soon, and the same one very soon: memory that it will want.
  void look_ahead(const Descriptor& descriptor, Batch& batch) noexcept;
  void look_near(const Descriptor& descriptor, Batch& batch) noexcept;
  void end(Batch& batch) noexcept { counting_.end(batch); }

 private:
  [[nodiscard]] uint64_t gone(const Descriptor& descriptor, size_t which) const noexcept;
  void let_go(const Descriptor& descriptor, Bindings& bindings) noexcept;
  [[nodiscard]] BindingView bind(Descriptor& descriptor, Batch& batch, Bindings& bindings) noexcept;
  void edit(Descriptor& descriptor, const BindingView& binding) noexcept;

  Objects objects_;
  uint64_t window_;
  TupleHashes hash_;
  Chance chance_;
  bool enabled_;
  Counting counting_;
};

}  // namespace bulkhead::nat
