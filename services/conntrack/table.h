// services/conntrack/table.h: the writer's side of the flow table (layout and how it is read: ipc/state/flow_table.h).
//
// Who     track and confirm, both in the conntrack process.
// Crash   every change is in the caller's batch; what is not (stamps, the count of generations) only goes forward.
// Cost    find: a bucket and an entry, two cache lines. insert, erase: at most kMaxPassed buckets for a direction.
// Chance  which index an entry gets follows from the numbers alone, never from timing: entries are taken and
//         let go by track, in the order of numbers. What confirm lets go (dropped packets) waits in a list of its
//         own, in the order of numbers too, until all others are used up and no unconfirmed entry is in the
//         chain, so that the list is complete; then it becomes the list of free ones.
#pragma once

#include <optional>

#include "common/base/hash.h"
#include "ipc/state/flow_table.h"

namespace bulkhead::conntrack {

class FlowTable {
 public:
  static constexpr unsigned kMaxPassed = state::FlowFinder::kMaxPassed;
  static constexpr size_t kWordsToAdd = 2 * (kMaxPassed + 1) + 32;
  static constexpr size_t kWordsToRemove = 2 * (kMaxPassed + 1) + 8;

  static constexpr size_t kWordsToMove = 3 * (kMaxPassed + 1) + 8;

  using Hit = state::FlowHit;

  FlowTable(state::ConntrackState& state, memory::Batch& batch, uint64_t seed);

  [[nodiscard]] uint64_t hash(const packet::Tuple& tuple) const noexcept { return hash_(tuple); }
  /// Two steps ahead of find(): the bucket, and once that has come, the entry that it names.
  void prefetch_bucket(uint64_t hash) const noexcept { __builtin_prefetch(&bucket_at(hash), 1); }
  void prefetch_entry(uint64_t hash) const noexcept;
  /// One step ahead of remove().
  void prefetch_buckets(const state::FlowEntry& entry) const noexcept {
    for (const memory::Word<uint64_t>& hash : entry.hashes) prefetch_bucket(hash.load());
  }
  [[nodiscard]] std::optional<Hit> find(const packet::Tuple& tuple, uint64_t hash) const noexcept { return finder_.find(tuple, hash); }

  /// As a packet of these zones is looked for; `hash`: of the tuple in that of the original direction. nf_conntrack_find_get().
  [[nodiscard]] std::optional<Hit> find(packet::Tuple tuple, uint64_t hash, const packet::Zones& zones) const noexcept;

  /// Is it to be found by its tuples?
  enum class Found : uint8_t { by_tuples, apart };
  /// A new entry for packet `number`, unconfirmed. None if the table is full.
  [[nodiscard]] std::optional<uint32_t> add(const packet::Tuple& original, uint64_t hash, const packet::Tuple& reply,
                                            uint64_t number, Found found = Found::by_tuples) noexcept;
  /// The flow's answers come with another tuple. False: there is no place for it, and nothing has changed.
  [[nodiscard]] bool set_reply(uint32_t index, const packet::Tuple& reply) noexcept;
  /// Takes an entry out and lists it as gone, so that those behind let go of what they keep for it.
  void remove(uint32_t index) noexcept;
  /// An unconfirmed entry that its packet's fate leaves nothing of: it is found no more.
  void set_apart(uint32_t index) noexcept;
  /// Takes out an unconfirmed entry whose packet was dropped: nobody keeps anything for it.
  void remove_dropped(uint32_t index) noexcept;

  [[nodiscard]] state::FlowEntry& entry(uint32_t index) noexcept { return entries_[index]; }
  [[nodiscard]] uint32_t capacity() const noexcept { return capacity_; }
  /// Nothing to take without looking at what confirm let go: add() needs that no unconfirmed entry is in the chain.
  [[nodiscard]] bool used_up() const noexcept {
    return state_.free_first.load() == 0 && state_.fresh.load() == capacity_;
  }
  /// Nor among those: what is wanted must be taken from a flow.
  [[nodiscard]] bool used_up_for_good() const noexcept { return used_up() && state_.dropped_first.load() == 0; }
  /// Room in the list of gone entries, for as many as `count`.
  [[nodiscard]] bool room_for_gone(uint64_t count) const noexcept;

 private:
  [[nodiscard]] state::FlowBucket& bucket_at(uint64_t hash) const noexcept { return buckets_[hash & mask_]; }
  [[nodiscard]] bool insert(uint32_t index, chain::Direction way, uint64_t hash) noexcept;
  /// Under both tuples. False: there is no place for one of them.
  [[nodiscard]] bool insert_both(uint32_t index) noexcept;
  void erase(uint32_t index, chain::Direction way) noexcept;
  void erase_both(uint32_t index) noexcept;
  void take_out(uint32_t index, memory::Word<uint32_t>& list) noexcept;
  [[nodiscard]] std::optional<uint32_t> take_free() noexcept;
  void give_free(uint32_t index, memory::Word<uint32_t>& list) noexcept;

  state::ConntrackState& state_;
  memory::Batch& batch_;
  state::FlowFinder finder_;
  TupleHash hash_;
  uint32_t capacity_;
  uint64_t mask_;
  state::FlowBucket* buckets_;
  state::FlowEntry* entries_;
};

}  // namespace bulkhead::conntrack
