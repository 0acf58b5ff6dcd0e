// services/pktio/lanes.h: the fast lane: packets that pktio judges by itself, as the chain has judged their flow's before.
//
// Who     receive.h asks whether a packet goes by the lane; home.h tells of packets that come home from the chain, which is
//         where lanes come from.
// Same    a packet that goes by the lane leaves as it would have through the chain, and its flow is left as that would have
//         left it: conntrack's own functions (ipc/tracking/) say what it does to it. What they do not plainly accept goes into the chain.
// Order   a packet goes by the lane only if no other of its flow is in the chain. It has its number, and waits for its turn to go
//         home, in a slot of its own.
// Full    flows that are not assured may be evicted from a full table, of which pktio would know too late. Where the table might fill up
//         with what is in the chain, their lanes end for good: lane_epoch.
// Crash   ipc/state/lanes.h; within pktio's batch. How many packets of which hash are in the chain follows from the in-flight slots.
#pragma once

#include <optional>
#include <vector>

#include "common/base/hash.h"
#include "common/packet/nat_rewrite.h"
#include "ipc/memory/commit.h"
#include "services/pktio/inflight.h"
#include "ipc/state/lanes.h"
#include "ipc/state/nat_orders.h"
#include "ipc/control/settings.h"

namespace bulkhead::pktio {

class Lanes {
 public:
  struct Objects {
    state::PktioState& state;
    size_t state_bytes;
    InFlightTable& inflight;
    state::LanedPackets& packets;
    const state::BumpsTable& bumps;
    const state::ConntrackState& conntrack;
    size_t conntrack_bytes;
    const memory::CommitArea& conntrack_commit;
  };
  static constexpr size_t kWordsToGo = 24;    // that a packet changes which goes by the lane, or into the chain
  static constexpr size_t kWordsToCome = 80;  // and one that comes home

  Lanes(const Objects& objects, const control::Settings& settings);

  /// After recovery: `home` < numbers <= `sent` are under way.
  void resume(uint64_t home, uint64_t sent);
  /// Before packets are taken in.
  void begin(memory::Batch& batch);

  /// So many packets of flows that have lanes went into the chain, since others of theirs were there, that it pays to let all come home
  /// before more go in: a full chain would otherwise stay full of them. Seldom, where little has come of it.
  [[nodiscard]] bool pauses(uint64_t home, uint64_t sent) noexcept;

  /// Two steps ahead of take(): where a packet's flow would stand; and once that has come, its lane.
  [[nodiscard]] uint64_t look_ahead(const packet::Headers& headers) const noexcept;
  void look_near(uint64_t hash) const noexcept;
  /// A packet on its way in, with number and time; `hash`: as look_ahead() gave it. True: it has gone by the lane. False: it goes into
  /// the chain.
  bool take(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, memory::Batch& batch);

  void store(memory::Batch& batch);

  /// One that has gone by it, at its turn; and how it is translated.
  void at_home(uint64_t number, chain::Descriptor& descriptor, state::NatEdit& edit) const;
  /// One that has come home from the chain. `what`: how it was translated; null: its descriptor cannot be right.
  void came_home(const chain::Descriptor& descriptor, const InFlight& slot, const packet::Rewriting* what, memory::Batch& batch);

 private:
  struct Hit {
    uint32_t flow;
    chain::Direction way;
    bool own = true;  // not: of what would answer it
  };
  /// What conntrack's entry says.
  struct Flow {
    uint32_t generation, status, protocol_state;
    uint64_t created, expires_ns, started_ns;
    std::array<state::TupleWords, 2> tuples;
    std::array<uint64_t, 2> hashes;
    std::array<uint64_t, 7> protocol_words;
  };

  [[nodiscard]] uint32_t epoch() const noexcept;
  [[nodiscard]] std::optional<Hit> find(const packet::Tuple& tuple, uint64_t hash) const noexcept;
  /// Or the flow of its answer, of which it may turn out to be no packet: then what is said about it is one (conntrack's Track::related()).
  [[nodiscard]] std::optional<Hit> find_either(const packet::Tuple& tuple, uint64_t hash) const noexcept;
  [[nodiscard]] bool usable(const state::Lane& lane, const state::LanePlan& plan, const chain::Descriptor& descriptor, std::span<const uint8_t> frame) const noexcept;
  [[nodiscard]] bool track(state::Lane& lane, chain::Direction way, const chain::Descriptor& descriptor, memory::Batch& batch) const noexcept;
  void go(uint32_t flow, chain::Direction way, const state::LanePlan& plan, chain::Descriptor& descriptor, memory::Batch& batch);
  [[nodiscard]] std::optional<Flow> look(uint32_t flow, uint32_t generation) const noexcept;
  void back(uint32_t flow, const chain::Descriptor& descriptor, memory::Batch& batch);
  void admit(const chain::Descriptor& descriptor, const packet::Rewriting& what, memory::Batch& batch);
  [[nodiscard]] bool make(uint32_t flow, const Flow& known, memory::Batch& batch);
  [[nodiscard]] bool answers_another(uint32_t flow, const Flow& known) const noexcept;
  [[nodiscard]] bool enter(uint32_t flow, const Flow& known, memory::Batch& batch);
  [[nodiscard]] bool insert(uint32_t flow, chain::Direction way, uint64_t hash, memory::Batch& batch);
  void erase(uint32_t flow, chain::Direction way, memory::Batch& batch);
  void remove(uint32_t flow, memory::Batch& batch);
  static void take_over(state::Lane& lane, const Flow& known, memory::Batch& batch);
  [[nodiscard]] uint16_t& in_chain(uint32_t hash) noexcept { return in_chain_[hash & (in_chain_.size() - 1)]; }

  Objects objects_;
  state::LaneTable table_;
  const state::FlowEntry* flows_ = nullptr;  // conntrack's, as many as there are lanes
  TupleHash hash_;
  uint64_t window_;
  bool router_;
  std::vector<uint32_t> mtus_;
  std::vector<uint16_t> in_chain_;  // packets by the hash of their tuple
  uint64_t missed_ = 0;             // packets for the lane that had to go into the chain, since the last pause
  uint64_t pause_after_;            // so many of them
  uint64_t gone_since_pause_ = 0;   // and those that went by it
  /// Of rules' counters, by first words, since the last store().
  struct Count {
    uint64_t packets = 0, bytes = 0;
  };
  std::vector<Count> counts_;
  std::vector<uint32_t> counted_;   // words of those that are not 0
  uint64_t gone_ = 0;               // packets that went by the lane, since the last store()
  bool roomy_ = false;              // the flow table cannot fill up with what is in the chain
};

}  // namespace bulkhead::pktio
