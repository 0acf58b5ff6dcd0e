// services/pktio/lanes/lanes.h: the fast lane: packets that pktio judges by itself, as the chain has judged their flow's before.
//
// Who     receive.h asks whether a packet goes by the lane (judging.h); home.h tells of packets that come home from the
//         chain, which is where lanes come from (admission.h).
// Same    a packet that goes by the lane leaves as it would have through the chain, and its flow is left as that would have left it.
// Crash   ipc/state/lanes.h; within pktio's batch.
#pragma once

#include "ipc/state/nat_orders.h"
#include "services/pktio/lanes/admission.h"
#include "services/pktio/lanes/judging.h"

namespace bulkhead::pktio {

class Lanes {
 public:
  struct Objects {
    state::PktioState& state;
    size_t state_bytes;
    InFlightTable& inflight;
    state::LanedPackets& packets;
    const state::MetCountersTable& met_counters;
    const state::ConntrackState& conntrack;
    size_t conntrack_bytes;
    const memory::CommitArea& conntrack_commit;
  };
  static constexpr size_t kWordsToGo = 24;    // that a packet changes which goes by the lane, or into the chain
  static constexpr size_t kWordsToCome = 80;  // and one that comes home

  Lanes(const Objects& objects, const control::Settings& settings);
  /// Its parts know each other.
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// After recovery: `home` < numbers <= `sent` are under way.
  void resume(uint64_t home, uint64_t sent);
  /// Before packets are taken in.
  void begin(memory::Batch& batch);
  /// Are packets to wait until all are home (in_chain.h)?
  [[nodiscard]] bool pauses(uint64_t home, uint64_t sent) noexcept { return in_chain_.pauses(home, sent); }

  /// Two steps ahead of take(), and one (by_tuple.h).
  [[nodiscard]] uint64_t look_ahead(const packet::Headers& headers) const noexcept { return lanes_.look_ahead(headers); }
  void look_near(uint64_t hash) const noexcept { lanes_.look_near(hash); }
  /// True: it has gone by the lane (judging.h).
  bool take(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, memory::Batch& batch) {
    return judging_.take(descriptor, slot, frame, hash, batch);
  }
  void store(memory::Batch& batch) { judging_.store(batch); }

  /// One that has gone by it, at its turn; and how it is translated.
  void at_home(uint64_t number, chain::Descriptor& descriptor, state::NatEdit& edit) const;
  /// One that has come home from the chain (admission.h).
  void came_home(const chain::Descriptor& descriptor, const InFlight& slot, const packet::Rewriting* what, memory::Batch& batch) {
    if (lanes_.flows() != 0) admission_.came_home(descriptor, slot, what, batch);
  }

 private:
  Objects objects_;
  uint64_t window_;
  LanesByTuple lanes_;
  FlowTableRoom room_;
  InChain in_chain_;
  Judging judging_;
  Admission admission_;
};

}  // namespace bulkhead::pktio
