// services/nat/bind.h: the visit of nat: a flow's first packet is bound, every packet learns what it becomes.
//
// Before  rules, which says what is wanted of a first packet (ipc/state/nat_orders.h). After: conntrack's confirm, which puts the
//         reply tuple into the flow table; pktio's home, which changes the bytes.
// Who     once a ruleset translates, every flow is bound, translated or not: a direct flow whose reply would be another's has
//         its source port moved, as the kernel's null binding does.
// Crash   bindings within the batch; edits in slots of their own.
// Source  nf_nat_core.c: nf_nat_icmp_reply_translation; the rest is in ipc/state/binder.h.
#pragma once

#include "ipc/chain/counting.h"
#include "ipc/control/settings.h"
#include "ipc/state/binder.h"

namespace bulkhead::nat {

class Bind {
 public:
  static constexpr size_t kWordsEnd = chain::Counting::kWordsEnd;

  struct Objects {
    state::NatState& state;
    const state::ConntrackState& conntrack;
    const state::NatOrdersTable& orders;
    state::NatEdits& edits;
  };
  Bind(const Objects& objects, const control::Settings& settings);

  [[nodiscard]] size_t words_each() const { return enabled_ ? state::Binder::kWordsEach + 1 : 0; }
  void visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  /// Of a descriptor that is visited soon, and the same one very soon: memory that it will want.
  void look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    if (enabled_) binder_.look_ahead(descriptor, batch);
  }
  void look_near(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    if (enabled_) binder_.look_near(descriptor, batch, binder_.orders_for(descriptor));
  }
  void end(memory::Batch& batch) noexcept { counting_.end(batch); }

 private:
  [[nodiscard]] state::BindingView bind(chain::Descriptor& descriptor, memory::Batch& batch) noexcept;
  void edit(chain::Descriptor& descriptor, const state::BindingView& binding) noexcept;

  Objects objects_;
  uint64_t window_;
  bool enabled_;
  state::Binder binder_;
  chain::Counting counting_;
};

}  // namespace bulkhead::nat
