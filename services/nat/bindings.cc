#include "services/nat/bindings.h"

namespace bulkhead::nat {

Bindings::Bindings(NatState& state, Batch& batch, const TupleHash& hash)
    : state_(state),
      batch_(batch),
      hash_(hash),
      capacity_(static_cast<uint32_t>(state.header.capacity)),
      mask_(NatState::buckets_for(capacity_) - 1),
      bindings_(state.bindings()) {}

uint64_t Bindings::source_hash(const Tuple& original) const noexcept {
  Tuple source = original;
  source.dst = {};
  source.dst_port = 0;
  return hash_(source);
}

uint64_t Bindings::hash_for(NatState::Chain chain, const Binding& binding) const noexcept {
  if (chain == NatState::by_reply) return hash_(tuple_of(binding.reply));
  Tuple const original = tuple_of(binding.original);
  return chain == NatState::by_source ? source_hash(original) : hash_(original);
}

uint32_t Bindings::first(NatState::Chain chain, uint64_t hash) const noexcept {
  uint32_t const at = bucket(chain, hash).load();
  return at <= capacity_ ? at : 0;
}

uint32_t Bindings::next(uint32_t at, NatState::Chain chain) const noexcept {
  uint32_t const behind = bindings_[at - 1].next[chain].load();
  return behind <= capacity_ ? behind : 0;
}

bool Bindings::taken(const Tuple& tuple, uint32_t besides) const noexcept {
  TupleWords const words = words_of(tuple);
  uint64_t const hash = hash_(tuple);
  auto const is = [&](const SharedTuple& stored) {
    for (size_t i = 0; i < words.size(); ++i)
      if (stored[i].load() != words[i]) return false;
    return true;
  };
  for (uint32_t at = first(NatState::by_original, hash); at != 0; at = next(at, NatState::by_original))
    if (at - 1 != besides && is(bindings_[at - 1].original)) return true;
  for (uint32_t at = first(NatState::by_reply, hash); at != 0; at = next(at, NatState::by_reply))
    if (at - 1 != besides && is(bindings_[at - 1].reply)) return true;
  return false;
}

void Bindings::add(uint32_t index, uint32_t generation, uint32_t flags, const Tuple& original,
                   const Tuple& reply) noexcept {
  remove(index);
  Binding& binding = bindings_[index];
  TupleWords const there = words_of(original), back = words_of(reply);
  batch_.set(binding.generation, generation);
  batch_.set(binding.flags, flags | Binding::used);
  for (size_t i = 0; i < there.size(); ++i) batch_.set(binding.original[i], there[i]);
  for (size_t i = 0; i < back.size(); ++i) batch_.set(binding.reply[i], back[i]);
  for (auto chain : {NatState::by_original, NatState::by_reply, NatState::by_source}) {
    Word<uint32_t>& head = bucket(chain, hash_for(chain, binding));
    batch_.set(binding.next[chain], head.load());
    batch_.set(head, index + 1);
  }
  batch_.add(state_.bound, uint64_t{1});
}

void Bindings::remove(uint32_t index) noexcept {
  Binding& binding = bindings_[index];
  if ((binding.flags.load() & Binding::used) == 0) return;
  for (auto chain : {NatState::by_original, NatState::by_reply, NatState::by_source}) unlink(index, chain);
  batch_.set(binding.flags, 0U);
}

void Bindings::unlink(uint32_t index, NatState::Chain chain) noexcept {
  Binding& binding = bindings_[index];
  Word<uint32_t>* link = &bucket(chain, hash_for(chain, binding));
  while (link->load() != 0 && link->load() <= capacity_) {
    if (link->load() == index + 1) return batch_.set(*link, binding.next[chain].load());
    link = &bindings_[link->load() - 1].next[chain];
  }
}

}  // namespace bulkhead::nat
