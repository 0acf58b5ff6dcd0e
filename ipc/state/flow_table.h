// ipc/state/flow_table.h: the flow table's layout, and how other processes read it.
//
// Who     conntrack writes, in batches (ipc/memory/commit.h). Everyone else maps it read-only.
// Units   times: nanoseconds of the packet clock. Counters: packets, and bytes of layer 3.
// Find    a bucket is a cache line: 7 places and a count of entries that passed it by because it was full. A place
//         holds 32 bits of the hash and index + 1 with the direction; a search ends at the first bucket that
//         nobody passed by. Both directions of a flow have a place, without NAT in the same
//         bucket.
// Hash    SipHash-2-4 of the tuple, keyed by the instance's seed (libsodium).
// Handles index + generation. Generations come from one counter that only goes forward, in recovery too, so
//         that a handle of a flow that has gone, or that a dead batch had made, matches nothing. The entry's own
//         generation is undone with its batch, since a handle from before the batch is still in the chain.
// Gone    entries that were deleted are listed in `gone`, in the order of deletion, so that rules and nat let go of
//         what they keep for them as the number that deleted them passes.
// Trust   a reader checks each index against the capacity it mapped, and an entry by its stamp
//         (read_committed()).
// Source  nf_conntrack_core.c; buckets with overflow counts: folly F14.
#pragma once

#include <array>
#include <bit>
#include <optional>

#include "common/packet/packet.h"
#include "ipc/chain/descriptor.h"
#include "ipc/memory/commit.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::state {

/// A tuple in words, as it lies in the table.
using TupleWords = std::array<uint64_t, 5>;
[[nodiscard]] inline TupleWords words_of(const packet::Tuple& tuple) noexcept { return std::bit_cast<TupleWords>(tuple); }

using SharedTuple = std::array<memory::Word<uint64_t>, 5>;
[[nodiscard]] inline packet::Tuple tuple_of(const SharedTuple& shared) noexcept {
  TupleWords words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = shared[i].load();
  return std::bit_cast<packet::Tuple>(words);
}
[[nodiscard]] inline bool is_tuple(const SharedTuple& shared, const TupleWords& words) noexcept {
  for (size_t i = 0; i < words.size(); ++i)
    if (shared[i].load() != words[i]) return false;
  return true;
}

struct Status32 {  // bits of FlowEntry::status, as in nf_conntrack_common.h where there is such a bit
  static constexpr uint32_t seen_reply = 1U << 1, assured = 1U << 2, confirmed = 1U << 3, source_nat = 1U << 4,
                            destination_nat = 1U << 5, used = 1U << 31;
  // Conntrack's own. apart: unconfirmed, and sure to be dropped: it is not to be found by its tuples. foreseen: confirmed, since its
  // packet is sure to pass, which has not come to confirm yet.
  static constexpr uint32_t apart = 1U << 29, foreseen = 1U << 28;
  // Only ever said of a flow, never stored:
  static constexpr uint32_t dying = 1U << 9, closed = 1U << 30;  // closed: by TCP
};

struct alignas(64) FlowEntry {
  static constexpr uint64_t kMayEnd = uint64_t{1} << 63;

  /// The last packet that a reset of rules may still close the flow by.
  [[nodiscard]] uint64_t last_to_close() const { return may_close.load() & ~kMayEnd; }
  /// And end it at once.
  [[nodiscard]] bool may_end() const { return (may_close.load() & kMayEnd) != 0; }

  struct Counter {
    memory::Word<uint64_t> packets, bytes;
  };

  memory::Word<uint64_t> stamp;       // batch that last changed it; forward only
  memory::Word<uint64_t> expires_ns;  // gone once packet time reaches it
  memory::Word<uint64_t> created;     // number of the packet that made it
  memory::Word<uint32_t> status;      // Status32
  memory::Word<uint32_t> generation;  // of the flow that has the entry now
  memory::Word<uint32_t> protocol_state;  // TCP: TcpState
  memory::Word<uint32_t> next_free;  // while unused: index + 1 of the next unused entry
  memory::Word<uint64_t> started_ns;  // packet time of its first packet
  Counter counters[2];  // by Direction
  SharedTuple tuples[2];      // by Direction
  memory::Word<uint64_t> hashes[2];  // of the tuples
  std::array<memory::Word<uint64_t>, 7> protocol_words;  // TCP: TcpFlow (ipc/tracking/tcp_flow.h); written before read
  memory::Word<uint64_t> may_close;  // last_to_close(), and kMayEnd
  memory::Word<uint64_t> adopted;    // number of the last packet that brought it back from the fast lane (ipc/state/lanes.h)
  memory::Word<uint32_t> timeouts;   // policy of its time-outs (ipc/tracking/timeouts.h)
};
static_assert(sizeof(FlowEntry) == 256);

struct alignas(64) FlowBucket {
  static constexpr unsigned kPlaces = 7;

  [[nodiscard]] static constexpr uint64_t place_of(uint32_t index, chain::Direction way, uint64_t hash) {
    return (hash >> 32) << 32 | uint64_t{index + 1} << 1 | static_cast<uint64_t>(way);
  }
  [[nodiscard]] static constexpr bool may_be(uint64_t place, uint64_t hash) { return place >> 32 == hash >> 32; }
  /// A free place's is beyond any capacity.
  [[nodiscard]] static constexpr uint32_t index_at(uint64_t place) { return static_cast<uint32_t>(place >> 1 & 0x7fffffff) - 1; }
  [[nodiscard]] static constexpr chain::Direction way_at(uint64_t place) { return static_cast<chain::Direction>(place & 1); }

  std::array<memory::Word<uint64_t>, kPlaces> places;  // hash's upper half << 32 | (index + 1) << 1 | direction; 0: free
  memory::Word<uint64_t> passed;                       // entries whose search goes through here to the next bucket
};
static_assert(sizeof(FlowBucket) == 64);

struct ConntrackState {
  static constexpr memory::Layout kLayout = memory::Layout::conntrack_state;
  static constexpr uint32_t kVersion = 9;
  static constexpr uint64_t kFlights = 2048;
  static constexpr uint64_t kGone = 32768;  // deletions kept for those behind

  [[nodiscard]] static constexpr uint64_t buckets_for(uint64_t entries) {
    uint64_t buckets = 8;
    while (buckets * FlowBucket::kPlaces < entries * 4) buckets *= 2;  // two places an entry, at most half full
    return buckets;
  }
  static constexpr size_t bytes_for(uint64_t entries) {
    return sizeof(ConntrackState) + buckets_for(entries) * sizeof(FlowBucket) + entries * sizeof(FlowEntry);
  }

  memory::ObjectHeader header;                     // capacity: entries
  alignas(64) memory::Word<uint32_t> free_first;   // index + 1; 0: none
  memory::Word<uint32_t> dropped_first;            // entries let go by confirm, see FlowTable::remove_dropped()
  memory::Word<uint32_t> fresh;                    // entries that have never been used begin here
  memory::Word<uint32_t> used;                     // entries in use
  memory::Word<uint32_t> unconfirmed;              // of them, in the chain and not confirmed
  memory::Word<uint32_t> sweep;                    // where the next tick goes on looking
  memory::Word<uint32_t> evict;                    // where a full table goes on looking for an entry that may go
  memory::Word<uint64_t> gone_count;               // deletions since the start
  memory::Word<uint64_t> gone_passed;              // of them, behind confirm
  memory::Word<uint64_t> confirmed;                // number of the last packet that confirm has seen
  // Where rules set tuples (services/conntrack/track.h): the last packet without a flow, and the last that changed the table.
  memory::Word<uint64_t> flowless, changed;
  memory::Word<uint32_t> generations;              // the last one given out; forward only
  alignas(64) memory::Word<uint64_t> packets;      // tracked
  memory::Word<uint64_t> expired;
  memory::Word<uint64_t> evicted;                  // unassured, to make room
  /// Unconfirmed flows by a hash of their original source, destination, and of both; counted once a ruleset translates.
  std::array<std::array<memory::Word<uint32_t>, kFlights>, 3> flights;
  std::array<memory::Word<uint64_t>, kGone> gone;  // generation << 32 | index

  [[nodiscard]] FlowBucket* buckets() { return reinterpret_cast<FlowBucket*>(this + 1); }
  [[nodiscard]] const FlowBucket* buckets() const { return reinterpret_cast<const FlowBucket*>(this + 1); }
  [[nodiscard]] FlowEntry* entries(uint64_t capacity) {
    return reinterpret_cast<FlowEntry*>(buckets() + buckets_for(capacity));
  }
  [[nodiscard]] const FlowEntry* entries(uint64_t capacity) const {
    return reinterpret_cast<const FlowEntry*>(buckets() + buckets_for(capacity));
  }
};
static_assert(sizeof(ConntrackState) % 64 == 0);

/// The zones that its tuples lie in.
[[nodiscard]] inline packet::Zones zones_of(const FlowEntry& entry) noexcept {
  return {tuple_of(entry.tuples[0]).zone, tuple_of(entry.tuples[1]).zone};
}

/// That of the answers of a flow that has yet to be confirmed (as in a descriptor): until then nobody changes it. `flows`: as mapped.
[[nodiscard]] inline uint16_t reply_zone_of(const ConntrackState& state, uint64_t flows, uint32_t flow) noexcept {
  return flow == 0 || flow > flows ? uint16_t{0} : tuple_of(state.entries(flows)[flow - 1].tuples[1]).zone;
}

/// An entry, and which of its tuples was looked for.
struct FlowHit {
  uint32_t index;
  chain::Direction direction;
};

/// Looks in the table as it is, with what a batch has not committed yet.
class FlowFinder {
 public:
  static constexpr unsigned kMaxPassed = 16;  // buckets that one entry passes by, at most

  /// `capacity`: as it is mapped.
  FlowFinder(const ConntrackState& state, uint32_t capacity)
      : capacity_(capacity), mask_(ConntrackState::buckets_for(capacity) - 1), buckets_(state.buckets()), entries_(state.entries(capacity)) {}

  [[nodiscard]] std::optional<FlowHit> find(const packet::Tuple& tuple, uint64_t hash) const noexcept;
  /// Only as that direction's.
  [[nodiscard]] std::optional<FlowHit> find(const packet::Tuple& tuple, uint64_t hash, chain::Direction way) const noexcept;
  [[nodiscard]] const FlowEntry& entry(uint32_t index) const noexcept { return entries_[index]; }

 private:
  template <class Wanted>
  [[nodiscard]] std::optional<FlowHit> find_if(const packet::Tuple& tuple, uint64_t hash, Wanted wanted) const noexcept;

  uint32_t capacity_;
  uint64_t mask_;
  const FlowBucket* buckets_;
  const FlowEntry* entries_;
};

/// A flow as another process sees it.
struct FlowSnapshot {
  uint64_t created;
  uint64_t expires_ns;
  uint32_t status;
  uint32_t protocol_state;
  uint32_t mark = 0;  // rules keep it: whoever asks them fills it in
  std::array<packet::Tuple, 2> tuples;
  std::array<uint64_t, 2> packets, bytes;
};

enum class Look : uint8_t { flow, none, changing };
/// Entry `index` (below the capacity mapped): a confirmed flow, none there, or one that would not keep still.
Look look_at(const FlowEntry& entry, const memory::Word<uint64_t>& generation, FlowSnapshot& into);

}  // namespace bulkhead::state