// services/nat/bindings.h: the writer's side of the bindings (layout: ipc/state/bindings.h; who has a tuple: ipc/state/bound_flows.h).
//
// Who     bind.cc.
// Crash   every change is in the caller's batch.
#pragma once

#include "ipc/state/bound_flows.h"

namespace bulkhead::nat {

class Bindings : public state::BoundFlows {
 public:
  static constexpr size_t kWordsToAdd = 23, kWordsToRemove = 5;

  Bindings(state::NatState& state, memory::Batch& batch, state::TupleHashes& hash);

  /// What a flow's first packet, and its end, will want, into the cache: first the entry, then what it leads to.
  void prefetch_entry(uint32_t index) const noexcept;
  void prefetch_chains(uint32_t index) const noexcept;
  void prefetch(state::NatState::Chain chain, const packet::Tuple& tuple) const noexcept;

  void add(uint32_t index, uint32_t generation, uint32_t flags, const packet::Tuple& original, const packet::Tuple& reply) noexcept;
  /// Of whatever flow has the entry; nothing if none has.
  void remove(uint32_t index) noexcept;

 private:
  [[nodiscard]] memory::Word<uint32_t>& bucket(state::NatState::Chain chain, uint32_t hash) const noexcept {
    return state_.buckets(capacity(), chain)[hash & mask_];
  }
  void unlink(uint32_t index, state::NatState::Chain chain) noexcept;

  state::NatState& state_;
  memory::Batch& batch_;
  uint64_t mask_;
  state::Binding* bindings_;
};

}  // namespace bulkhead::nat
