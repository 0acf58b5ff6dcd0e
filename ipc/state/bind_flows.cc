#include "ipc/state/bind_flows.h"

namespace bulkhead::state {

void Bindings::prefetch_entry(uint32_t index) const noexcept {
  if (index < capacity()) memory::prefetch(&table().entry(index), sizeof(Binding));
}

void Bindings::prefetch_chains(uint32_t index) const noexcept {
  if (index >= capacity()) return;
  for (auto chain : {NatState::by_original, NatState::by_reply, NatState::by_source})
    __builtin_prefetch(&table().bucket(chain, table().entry(index).hash[chain].load()));
}

void Bindings::prefetch(NatState::Chain chain, const packet::Tuple& tuple) const noexcept {
  __builtin_prefetch(&table().bucket(chain, hash_of(chain, tuple)));
}

void Bindings::add(uint32_t index, uint32_t generation, uint32_t flags, const packet::Tuple& original,
                   const packet::Tuple& reply) noexcept {
  remove(index);
  Binding& binding = table().entry(index);
  TupleWords const there = words_of(original), back = words_of(reply);
  std::atomic_thread_fence(std::memory_order_release);  // who reads the new generation must not read the flags of the flow before
  batch_.set(binding.generation, generation);
  batch_.set(binding.flags, flags | Binding::used);
  for (size_t i = 0; i < there.size(); ++i) batch_.set(binding.original[i], there[i]);
  for (size_t i = 0; i < back.size(); ++i) batch_.set(binding.reply[i], back[i]);
  for (auto chain : {NatState::by_original, NatState::by_reply, NatState::by_source}) {
    uint32_t const hash = hash_of(chain, chain == NatState::by_reply ? reply : original);
    memory::Word<uint32_t>& head = table().bucket(chain, hash);
    batch_.set(binding.hash[chain], hash);
    batch_.set(binding.next[chain], head.load());
    batch_.set(head, index + 1);
  }
  searches_.bound(original);
  searches_.bound(reply);
}

void Bindings::remove(uint32_t index) noexcept {
  Binding& binding = table().entry(index);
  if ((binding.flags.load() & Binding::used) == 0) return;
  for (auto chain : {NatState::by_original, NatState::by_reply, NatState::by_source}) unlink(index, chain);
  batch_.set(binding.flags, 0U);
  if (searches_.empty()) return;
  searches_.let_go(tuple_of(binding.original));
  searches_.let_go(tuple_of(binding.reply));
}

void Bindings::unlink(uint32_t index, NatState::Chain chain) noexcept {
  Binding& binding = table().entry(index);
  memory::Word<uint32_t>* link = &table().bucket(chain, binding.hash[chain].load());
  while (link->load() != 0 && link->load() <= capacity()) {
    if (link->load() == index + 1) return batch_.set(*link, binding.next[chain].load());
    link = &table().entry(link->load() - 1).next[chain];
  }
}

}  // namespace bulkhead::state
