#include "ipc/state/bound_flows.h"

namespace bulkhead::state {

uint32_t BoundFlows::hash_of(NatState::Chain chain, const packet::Tuple& tuple) const noexcept {
  if (chain != NatState::by_source) return hash_(tuple);
  packet::Tuple source = tuple;
  source.dst = {};
  source.dst_port = 0;
  return hash_(source);
}

uint32_t BoundFlows::first(NatState::Chain chain, uint32_t hash) const noexcept {
  uint32_t const at = table_.bucket(chain, hash).load();
  return at <= capacity() ? at : 0;
}

uint32_t BoundFlows::next(uint32_t at, NatState::Chain chain) const noexcept {
  uint32_t const behind = table_.entry(at - 1).next[chain].load();
  return behind <= capacity() ? behind : 0;
}

}  // namespace bulkhead::state