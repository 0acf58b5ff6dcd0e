// services/nat/bindings.h: the writer's side of the bindings (layout: ipc/bindings.h).
//
// Who     bind.cc.
// Crash   every change is in the caller's batch.
// Cost    a chain is as long as chance makes it: entries over as many buckets, by a keyed hash.
#pragma once

#include <optional>

#include "common/hash.h"
#include "ipc/bindings.h"

namespace bulkhead::nat {

/// Hashes of the last few tuples that were asked for: a flow is asked for several times while it is bound.
class TupleHashes {
 public:
  explicit TupleHashes(uint64_t seed) : hash_(seed) {
    known_.fill({Tuple{}, static_cast<uint32_t>(hash_(Tuple{}))});
  }
  [[nodiscard]] uint32_t operator()(const Tuple& tuple) noexcept {
    Known& known = known_[(tuple.src_port * 31U + tuple.dst_port * 17U + tuple.src[3] + tuple.dst[3] * 7U) % kKnown];
    if (known.tuple != tuple) known = {tuple, static_cast<uint32_t>(hash_(tuple))};
    return known.hash;
  }

 private:
  static constexpr size_t kKnown = 64;
  struct Known {
    Tuple tuple;
    uint32_t hash = 0;
  };
  TupleHash hash_;
  std::array<Known, kKnown> known_{};
};

class Bindings {
 public:
  static constexpr size_t kWordsToAdd = 23, kWordsToRemove = 5;

  Bindings(NatState& state, Batch& batch, TupleHashes& hash);

  [[nodiscard]] uint32_t capacity() const noexcept { return capacity_; }
  /// Is there a flow with this tuple in either direction, other than `besides` (index)?
  [[nodiscard]] bool taken(const Tuple& tuple, uint32_t besides) const noexcept;
  /// The reply tuple of the newest flow of the same source, for which `fits` says yes.
  template <class Fits>
  [[nodiscard]] std::optional<Tuple> mapping_of(const Tuple& original, Fits fits) const noexcept {
    for (uint32_t at = first(NatState::by_source, hash_of(NatState::by_source, original)); at != 0; at = next(at, NatState::by_source)) {
      Tuple const there = tuple_of(bindings_[at - 1].original);
      if (there.src != original.src || there.src_port != original.src_port || there.protocol != original.protocol ||
          there.l3 != original.l3 || there.zone != original.zone)
        continue;
      Tuple const reply = tuple_of(bindings_[at - 1].reply);
      if (fits(reply)) return reply;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool has(uint32_t index, uint32_t generation) const noexcept {
    return index < capacity_ && is_bound(bindings_[index], generation);
  }
  /// What a flow's first packet, and its end, will want, into the cache: first the entry, then what it leads to.
  void prefetch_entry(uint32_t index) const noexcept;
  void prefetch_chains(uint32_t index) const noexcept;
  void prefetch(NatState::Chain chain, const Tuple& tuple) const noexcept;

  void add(uint32_t index, uint32_t generation, uint32_t flags, const Tuple& original, const Tuple& reply) noexcept;
  /// Of whatever flow has the entry; nothing if none has.
  void remove(uint32_t index) noexcept;

 private:
  [[nodiscard]] Word<uint32_t>& bucket(NatState::Chain chain, uint32_t hash) const noexcept {
    return state_.buckets(capacity_, chain)[hash & mask_];
  }
  [[nodiscard]] uint32_t first(NatState::Chain chain, uint32_t hash) const noexcept;
  [[nodiscard]] uint32_t hash_of(NatState::Chain chain, const Tuple& tuple) const noexcept;
  [[nodiscard]] uint32_t next(uint32_t at, NatState::Chain chain) const noexcept;
  void unlink(uint32_t index, NatState::Chain chain) noexcept;

  NatState& state_;
  Batch& batch_;
  TupleHashes& hash_;
  uint32_t capacity_;
  uint64_t mask_;
  Binding* bindings_;
};

}  // namespace bulkhead::nat
