// ipc/state/bound_flows.h: who has which tuple, by the bindings (layout: ipc/state/bindings.h).
//
// Who     nat, which binds (ipc/state/binder.h); rules, of their own table, where they bind the same (services/rules/foreseen.h).
// Cost    a chain is as long as chance makes it: entries over as many buckets, by a keyed hash.
// Trust   indices are checked against the capacity, and no chain is followed further than there are flows: one that goes round
//         costs time and a wrong answer.
#pragma once

#include <optional>

#include "common/base/hash.h"
#include "ipc/state/bindings.h"

namespace bulkhead::state {

/// Hashes of the last few tuples that were asked for: a flow is asked for several times while it is bound.
class TupleHashes {
 public:
  explicit TupleHashes(uint64_t seed) : hash_(seed) {
    known_.fill({packet::Tuple{}, static_cast<uint32_t>(hash_(packet::Tuple{}))});
  }
  [[nodiscard]] uint32_t operator()(const packet::Tuple& tuple) noexcept {
    Known& known = known_[(tuple.src_port * 31U + tuple.dst_port * 17U + tuple.src[3] + tuple.dst[3] * 7U) % kKnown];
    if (known.tuple != tuple) known = {tuple, static_cast<uint32_t>(hash_(tuple))};
    return known.hash;
  }

 private:
  static constexpr size_t kKnown = 64;
  struct Known {
    packet::Tuple tuple;
    uint32_t hash = 0;
  };
  TupleHash hash_;
  std::array<Known, kKnown> known_{};
};

class BoundFlows {
 public:
  BoundFlows(const BindingTable& table, TupleHashes& hash) : table_(table), hash_(hash) {}

  [[nodiscard]] uint32_t capacity() const noexcept { return table_.flows(); }
  /// Is there a flow with this tuple in either direction, for which `counts` (by index) says yes?
  template <class Counts>
  [[nodiscard]] bool taken(const packet::Tuple& tuple, Counts counts) const noexcept {
    TupleWords const words = words_of(tuple);
    uint32_t const hash = hash_(tuple);
    for (auto chain : {NatState::by_original, NatState::by_reply}) {
      uint32_t left = capacity();
      for (uint32_t at = first(chain, hash); at != 0 && left != 0; at = next(at, chain), --left) {
        const Binding& binding = table_.entry(at - 1);
        if (binding.hash[chain].load() != hash || !counts(at - 1)) continue;
        if (is_tuple(chain == NatState::by_original ? binding.original : binding.reply, words)) return true;
      }
    }
    return false;
  }
  /// The reply tuple of the newest flow of the same source, for which `fits` (by index and that tuple) says yes.
  template <class Fits>
  [[nodiscard]] std::optional<packet::Tuple> mapping_of(const packet::Tuple& original, Fits fits) const noexcept {
    uint32_t left = capacity();
    for (uint32_t at = first(NatState::by_source, hash_of(NatState::by_source, original)); at != 0 && left != 0;
         at = next(at, NatState::by_source), --left) {
      packet::Tuple const there = tuple_of(table_.entry(at - 1).original);
      if (there.src != original.src || there.src_port != original.src_port || there.protocol != original.protocol ||
          there.l3 != original.l3 || there.zone != original.zone)
        continue;
      packet::Tuple const reply = tuple_of(table_.entry(at - 1).reply);
      if (fits(at - 1, reply)) return reply;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool has(uint32_t index, uint32_t generation) const noexcept {
    return index < capacity() && is_bound(table_.entry(index), generation);
  }
  /// Of whatever generation.
  [[nodiscard]] bool has_any(uint32_t index) const noexcept {
    return index < capacity() && (table_.entry(index).flags.load() & Binding::used) != 0;
  }

 protected:
  [[nodiscard]] uint32_t hash_of(NatState::Chain chain, const packet::Tuple& tuple) const noexcept;
  [[nodiscard]] const BindingTable& table() const noexcept { return table_; }

 private:
  [[nodiscard]] uint32_t first(NatState::Chain chain, uint32_t hash) const noexcept;
  [[nodiscard]] uint32_t next(uint32_t at, NatState::Chain chain) const noexcept;

  BindingTable table_;
  TupleHashes& hash_;
};

}  // namespace bulkhead::state