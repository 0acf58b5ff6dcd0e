// ipc/state/lanes.h: the fast lane: flows whose packets pktio forwards by itself, and what has become of them since.
//
// Who     pktio writes, in its batch: lanes lie behind PktioState, whose journal they share. conntrack reads a flow's lane
//         when it gets the flow back, and before it calls it expired; the CLI reads all of them at the end.
// Which   the lane of flow i is lane i, if it bears the flow's generation. A bucket is a cache line of places as in
//         ipc/state/flow_table.h, but nothing is passed on: a flow that finds its bucket full has no lane.
// Owner   of a flow's live state (expiry, counts, what its protocol remembers): pktio while `away` is 0; from packet `away` on,
//         which went into the chain, conntrack. Packet `away` bears Facts::laned: at its track conntrack takes the state over.
//         Once packet `last` is home nobody of the flow is in the chain, and pktio takes the state back.
// Expiry  whether a flow has expired at number m is the same whenever conntrack looks: a packet that went by the lane behind m
//         found it alive, so at m it lived; one that goes into the chain leaves `expires_ns` as it was (lives()).
// Trust   conntrack checks generations and uses nothing else of a lane than numbers; pktio's own readers check indexes.
#pragma once

#include <bit>
#include <optional>

#include "common/packet/nat_rewrite.h"
#include "ipc/memory/slots.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/pktio_state.h"

namespace bulkhead::state {

/// What is done with the packets of one direction.
struct LanePlan {
  uint8_t there;   // 1: it is meant
  uint8_t in;      // by which they come
  uint8_t out;
  uint8_t orders;  // Orders
  chain::FlowState state;
  uint8_t outer;   // Rewriting: what of the packet becomes `to`
  uint16_t way;
};
static_assert(sizeof(LanePlan) == 8);

/// Of one direction.
struct alignas(64) LaneSide {
  static constexpr size_t kCounters = 5;

  SharedTuple tuple;
  memory::Word<uint64_t> plan;         // LanePlan; 0: none
  FlowEntry::Counter counted;  // what conntrack does not know of yet
  SharedTuple to;
  memory::Word<uint32_t> rule;         // as in the descriptor
  std::array<memory::Word<uint32_t>, kCounters> counters;  // of rules: first words, plus 1; 0: none
};
static_assert(sizeof(LaneSide) == 128);

struct alignas(64) Lane {
  memory::Word<uint32_t> generation;  // of the flow; 0: it has no lane
  memory::Word<uint32_t> status;      // Status32, which the plans were made for
  memory::Word<uint64_t> expires_ns;
  memory::Word<uint64_t> away, last;  // first and last packet of the flow in the chain; 0: none
  memory::Word<uint64_t> started_ns;
  memory::Word<uint64_t> hashes[2];   // of the tuples
  memory::Word<uint32_t> epoch;       // PktioState::lane_epoch when it was made
  memory::Word<uint32_t> protocol_state;
  std::array<memory::Word<uint64_t>, 7> protocol_words;
  memory::Word<uint32_t> timeouts;    // of the flow's entry
  LaneSide sides[2];          // by Direction
};
static_assert(sizeof(Lane) == 384);

/// Does flow `generation` live in its lane at packet `number` of time `now_ns`? None: conntrack's own entry says whether it does.
[[nodiscard]] std::optional<bool> lives(const Lane& lane, uint32_t generation, uint64_t number, uint64_t now_ns) noexcept;

/// What conntrack's entry, of a flow with a lane, does not say yet.
void add_lane(FlowSnapshot& flow, const FlowEntry& entry, const Lane& lane) noexcept;

/// Where they lie.
class LaneTable {
 public:
  /// `flows`: entries of the flow table; 0: there is no fast lane.
  [[nodiscard]] static constexpr size_t bytes_for(uint64_t flows) {
    return flows == 0 ? 0 : ConntrackState::buckets_for(flows) * sizeof(FlowBucket) + flows * sizeof(Lane);
  }
  [[nodiscard]] static constexpr size_t object_bytes(uint64_t flows, uint64_t words) {
    return PktioState::bytes_for(flows) + bytes_for(flows) + (flows == 0 ? 0 : words * sizeof(memory::Word<uint64_t>));
  }
  /// None.
  LaneTable() = default;
  /// `bytes`: of the object, as it was mapped: its header may say anything.
  LaneTable(PktioState& state, size_t bytes) : base_(reinterpret_cast<std::byte*>(&state + 1)), flows_(state.header.capacity) {
    if (flows_ > bytes / sizeof(Lane) || object_bytes(flows_, 0) > bytes) flows_ = 0;
    if (flows_ == 0) return;
    mask_ = ConntrackState::buckets_for(flows_) - 1;
    words_ = (bytes - object_bytes(flows_, 0)) / sizeof(memory::Word<uint64_t>);
  }
  LaneTable(const PktioState& state, size_t bytes) : LaneTable(const_cast<PktioState&>(state), bytes) {}  // NOLINT: a const one is read

  [[nodiscard]] uint64_t flows() const noexcept { return flows_; }
  [[nodiscard]] FlowBucket& bucket(uint64_t hash) noexcept { return reinterpret_cast<FlowBucket*>(base_)[hash & mask_]; }
  [[nodiscard]] const FlowBucket& bucket(uint64_t hash) const noexcept {
    return reinterpret_cast<const FlowBucket*>(base_)[hash & mask_];
  }
  [[nodiscard]] Lane& lane(uint64_t flow) noexcept { return lanes()[flow]; }
  [[nodiscard]] const Lane& lane(uint64_t flow) const noexcept { return lanes()[flow]; }
  /// Added to the ruleset's words by the lane: counters only. As many as words().
  [[nodiscard]] uint64_t words() const noexcept { return words_; }
  [[nodiscard]] memory::Word<uint64_t>& word(uint64_t i) noexcept { return reinterpret_cast<memory::Word<uint64_t>*>(lanes() + flows_)[i]; }
  [[nodiscard]] const memory::Word<uint64_t>& word(uint64_t i) const noexcept {
    return reinterpret_cast<const memory::Word<uint64_t>*>(lanes() + flows_)[i];
  }

 private:
  [[nodiscard]] Lane* lanes() const noexcept { return reinterpret_cast<Lane*>(base_ + (mask_ + 1) * sizeof(FlowBucket)); }

  std::byte* base_ = nullptr;
  uint64_t flows_ = 0;
  uint64_t mask_ = 0;
  uint64_t words_ = 0;
};

/// A packet that went by the lane and waits for its turn to go home.
struct alignas(64) LanedPacket {
  chain::Descriptor descriptor;
  packet::Rewriting what;  // if it is translated
};
using LanedPackets = memory::Slots<LanedPacket, memory::Layout::laned_packets>;

/// Counters that a packet has bumped, of one that says nothing that could differ for its flow's next (Facts::steady).
/// rules writes it, pktio reads it.
struct MetCounters {
  uint64_t number;
  uint32_t count;
  std::array<uint32_t, LaneSide::kCounters> words;
};
static_assert(sizeof(MetCounters) == 32);
using MetCountersTable = memory::Slots<MetCounters, memory::Layout::met_counters>;

}  // namespace bulkhead::state