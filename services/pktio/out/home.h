// services/pktio/out/home.h: packets come home: in which order, while there is room for what they bring, and counted.
//
// Before  conntrack's confirm. After: compose.h, which makes frames of them; sink.h, which takes these.
// Order   that of the numbers, by the chain and by the fast lane alike; so is that of the frames on each way out.
// Trust   what a packet was is taken from pktio's own in-flight slot; from the descriptor only what others decided.
//         A number out of order, an interface or a reason that is none: counted, and the packet is dropped.
// Full    some() stops at a packet of which the sink might not take all that it brings.
// Crash   counters, the number and what the sink has taken are set in the batch at its end (store()).
#pragma once

#include <array>

#include "ipc/chain/stage.h"
#include "ipc/state/pktio_state.h"
#include "services/pktio/lanes/lanes.h"
#include "services/pktio/out/compose.h"
#include "services/pktio/out/inputs.h"
#include "services/pktio/out/verdict_report.h"

namespace bulkhead::pktio {

class Home {
 public:
  struct Objects {
    state::PktioState& state;
    InFlightTable& inflight;
    Reassembly& reassembly;
    Lanes& lanes;
    chain::Pool& pool;
    const state::Answers& answers;
    const state::HeaderEdits& edits;
    const state::CopiesTable& copies;
    const state::NatEdits& translations;
  };

  /// `sink` outlives it.
  Home(const Objects& objects, const control::Settings& settings, Sink& sink);

  /// After recovery, once the sink has been resumed.
  void resume(packet::LinkType link);

  /// `sent`: the last number that is out; none beyond it comes home.
  uint64_t some(chain::Inlet& in, memory::Batch& batch, uint64_t most, uint64_t sent);
  [[nodiscard]] bool ready(chain::Inlet& in, uint64_t sent) const;
  /// Everything so far is with the sink; counters and what it stores are in the batch.
  void store(memory::Batch& batch);

  [[nodiscard]] uint64_t number() const { return number_; }
  [[nodiscard]] uint64_t large() const { return large_; }
  [[nodiscard]] uint64_t corrupt() const { return corrupt_; }

 private:
  [[nodiscard]] const InFlight& slot_of(uint64_t number) const { return inflight_.slots()[number & (window_ - 1)]; }
  /// What a number brings home at most.
  [[nodiscard]] Sink::Load load_of(const InFlight& slot) const;
  [[nodiscard]] Sink::Load load_of_copies(const InFlight& slot, uint32_t copies) const;
  /// For it, and `copies` that leave beside it: none, if those could never go.
  [[nodiscard]] bool room(uint64_t number, uint32_t& copies) const;
  [[nodiscard]] bool is_laned(uint64_t number) const { return slot_of(number).laned != 0; }
  /// The next number, by the lane or out of the ring; and how it is translated.
  void next(chain::Inlet& in, const InFlight& slot, chain::Descriptor& descriptor);
  /// False: its descriptor cannot be right.
  bool packet(const chain::Descriptor& descriptor, const InFlight& slot);
  void piece(const chain::Descriptor& descriptor, const InFlight& slot, memory::Batch& batch);
  [[nodiscard]] bool is_plausible(const chain::Descriptor& descriptor) const;
  void send_copies(const chain::Descriptor& descriptor, const InFlight& slot);
  void accepted(const chain::Descriptor& descriptor, const InFlight& slot, uint64_t inputs);
  void refused(const chain::Descriptor& descriptor, const InFlight& slot);
  void dropped(chain::DropReason reason, const Input& input);
  /// The fragments that go with it, if they do not share its fate.
  void spoilt(const InFlight& slot);
  void sent(size_t interface, uint64_t stamp_ns, const Frame& frame);

  state::PktioState& state_;
  InFlightTable& inflight_;
  Reassembly& reassembly_;
  FragmentLinks::Asked& asked_;
  Lanes& lanes_;
  Sink& sink_;
  Inputs inputs_;
  Composer composer_;
  VerdictReport report_;
  size_t interfaces_;
  uint64_t window_;
  bool router_;
  uint32_t copies_ = 0;            // of the packet whose turn it is, that there is room for
  state::NatEdit translation_{};  // of the packet whose turn it is; number 0: none

  uint64_t number_ = 0;
  uint64_t large_ = 0;
  uint64_t corrupt_ = 0;
  struct Gathered {  // since the last store()
    uint64_t accepted, dropped, forwarded, copies, copies_lost;
    std::array<uint64_t, static_cast<size_t>(chain::DropReason::count)> drops;
    std::array<uint64_t, 8> states;
    std::array<uint64_t, control::kMaxInterfaces> packets, bytes;
  };
  Gathered gathered_{};
};

}  // namespace bulkhead::pktio
