#include "ipc/state/bound_flows.h"

namespace bulkhead::state {

BoundFlows::BoundFlows(const NatState& state, TupleHashes& hash)
    : state_(state),
      hash_(hash),
      capacity_(static_cast<uint32_t>(state.header.capacity)),
      mask_(NatState::buckets_for(capacity_) - 1),
      bindings_(state.bindings()) {}

uint32_t BoundFlows::hash_of(NatState::Chain chain, const packet::Tuple& tuple) const noexcept {
  if (chain != NatState::by_source) return hash_(tuple);
  packet::Tuple source = tuple;
  source.dst = {};
  source.dst_port = 0;
  return hash_(source);
}

uint32_t BoundFlows::first(NatState::Chain chain, uint32_t hash) const noexcept {
  uint32_t const at = state_.buckets(capacity_, chain)[hash & mask_].load();
  return at <= capacity_ ? at : 0;
}

uint32_t BoundFlows::next(uint32_t at, NatState::Chain chain) const noexcept {
  uint32_t const behind = bindings_[at - 1].next[chain].load();
  return behind <= capacity_ ? behind : 0;
}

}  // namespace bulkhead::state