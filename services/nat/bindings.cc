#include "services/nat/bindings.h"

namespace bulkhead::nat {

Bindings::Bindings(state::NatState& state, memory::Batch& batch, state::TupleHashes& hash)
    : state::BoundFlows(state, hash),
      state_(state),
      batch_(batch),
      mask_(state::NatState::buckets_for(capacity()) - 1),
      bindings_(state.bindings()) {}

void Bindings::prefetch_entry(uint32_t index) const noexcept {
  if (index < capacity()) bulkhead::memory::prefetch(&bindings_[index], sizeof(state::Binding));
}

void Bindings::prefetch_chains(uint32_t index) const noexcept {
  if (index >= capacity()) return;
  for (auto chain : {state::NatState::by_original, state::NatState::by_reply, state::NatState::by_source})
    __builtin_prefetch(&bucket(chain, bindings_[index].hash[chain].load()));
}

void Bindings::prefetch(state::NatState::Chain chain, const packet::Tuple& tuple) const noexcept {
  __builtin_prefetch(&bucket(chain, hash_of(chain, tuple)));
}

void Bindings::add(uint32_t index, uint32_t generation, uint32_t flags, const packet::Tuple& original,
                   const packet::Tuple& reply) noexcept {
  remove(index);
  state::Binding& binding = bindings_[index];
  state::TupleWords const there = state::words_of(original), back = state::words_of(reply);
  batch_.set(binding.generation, generation);
  batch_.set(binding.flags, flags | state::Binding::used);
  for (size_t i = 0; i < there.size(); ++i) batch_.set(binding.original[i], there[i]);
  for (size_t i = 0; i < back.size(); ++i) batch_.set(binding.reply[i], back[i]);
  for (auto chain : {state::NatState::by_original, state::NatState::by_reply, state::NatState::by_source}) {
    uint32_t const hash = hash_of(chain, chain == state::NatState::by_reply ? reply : original);
    memory::Word<uint32_t>& head = bucket(chain, hash);
    batch_.set(binding.hash[chain], hash);
    batch_.set(binding.next[chain], head.load());
    batch_.set(head, index + 1);
  }
  batch_.add(state_.bound, uint64_t{1});
}

void Bindings::remove(uint32_t index) noexcept {
  state::Binding& binding = bindings_[index];
  if ((binding.flags.load() & state::Binding::used) == 0) return;
  for (auto chain : {state::NatState::by_original, state::NatState::by_reply, state::NatState::by_source}) unlink(index, chain);
  batch_.set(binding.flags, 0U);
}

void Bindings::unlink(uint32_t index, state::NatState::Chain chain) noexcept {
  state::Binding& binding = bindings_[index];
  memory::Word<uint32_t>* link = &bucket(chain, binding.hash[chain].load());
  while (link->load() != 0 && link->load() <= capacity()) {
    if (link->load() == index + 1) return batch_.set(*link, binding.next[chain].load());
    link = &bindings_[link->load() - 1].next[chain];
  }
}

}  // namespace bulkhead::nat
