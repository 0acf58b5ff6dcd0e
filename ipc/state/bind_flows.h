// ipc/state/bind_flows.h: the writer's side of the bindings (layout: ipc/state/bindings.h; who has a tuple: ipc/state/bound_flows.h).
//
// Who     ipc/state/binder.h.
// Crash   every change is in the caller's batch. `searches` are told of it too, and are gone with the process.
#pragma once

#include "ipc/state/bound_flows.h"
#include "ipc/state/port_searches.h"

namespace bulkhead::state {

class Bindings : public BoundFlows {
 public:
  static constexpr size_t kWordsToAdd = 23, kWordsToRemove = 5;

  Bindings(const BindingTable& table, memory::Batch& batch, TupleHashes& hash, PortSearches& searches) : BoundFlows(table, hash), batch_(batch), searches_(searches) {}

  /// What a flow's first packet, and its end, will want, into the cache: first the entry, then what it leads to.
  void prefetch_entry(uint32_t index) const noexcept;
  void prefetch_chains(uint32_t index) const noexcept;
  void prefetch(NatState::Chain chain, const packet::Tuple& tuple) const noexcept;

  void add(uint32_t index, uint32_t generation, uint32_t flags, const packet::Tuple& original, const packet::Tuple& reply) noexcept;
  /// Of whatever flow has the entry; nothing if none has.
  void remove(uint32_t index) noexcept;

 private:
  void unlink(uint32_t index, NatState::Chain chain) noexcept;

  memory::Batch& batch_;
  PortSearches& searches_;
};

}  // namespace bulkhead::state
