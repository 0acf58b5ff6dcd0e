// services/pktio/home.h: packets come home: counted, and written to the side they leave by, or to drops.pcap.
//
// Before  conntrack's confirm. After: the output files (services/pktio/writer.h).
// Order   that of the numbers, which is also that of the bytes in each file.
// Trust   what a packet was is taken from pktio's own in-flight slot; from the descriptor only what others decided.
//         A number out of order, an interface or a reason that is none: counted, and the packet is dropped.
// Full    some() stops at a packet whose record might not fit the staging; written bytes make room.
// Crash   bytes go beyond what is committed; `staged` is set in the batch at its end, with the counters (store()).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/chance.h"
#include "ipc/state/answers.h"
#include "ipc/state/header_edits.h"
#include "services/pktio/inflight.h"
#include "ipc/state/nat_orders.h"
#include "ipc/state/pktio_state.h"
#include "ipc/chain/pool.h"
#include "ipc/chain/stage.h"
#include "services/pktio/cut.h"
#include "services/pktio/lanes.h"
#include "services/pktio/pcap_sink.h"
#include "services/pktio/reassembly.h"
#include "services/pktio/transmit.h"
#include "services/pktio/writer.h"

namespace bulkhead::pktio {

class Home {
 public:
  struct Objects {
    state::PktioState& state;
    InFlightTable& inflight;
    Reassembly& reassembly;
    Lanes& lanes;
    chain::Pool& pool;
    state::Staging& staging;
    const state::Answers& answers;
    const state::HeaderEdits& edits;
    const state::NatEdits& translations;
  };
  struct Options {
    std::vector<std::string> interfaces;
    control::Outputs outputs;
    std::vector<std::string> rules;  // as a verdict's line says it, by number
    bool discard;     // there are no files: nothing is written
    uint64_t seed = 0;  // of the identifications of fragments
  };

  Home(const Objects& objects, Options options, const Topology& topology, Writer& writer);
  ~Home();

  /// After recovery.
  [[nodiscard]] Status resume(packet::LinkType link);

  /// `sent`: the last number that is out; none beyond it comes home.
  uint64_t some(chain::Inlet& in, memory::Batch& batch, uint64_t most, uint64_t sent);
  [[nodiscard]] bool ready(chain::Inlet& in, uint64_t sent) const;
  /// Everything so far is in the staging; counters and lengths are in the batch.
  void store(memory::Batch& batch);

  [[nodiscard]] uint64_t number() const { return number_; }
  [[nodiscard]] uint64_t large() const { return large_; }
  [[nodiscard]] uint64_t corrupt() const { return corrupt_; }
  /// By output; of the batch being made. Committed once that is.
  [[nodiscard]] std::span<const uint64_t> staged() const { return staged_; }

 private:
  struct Pile;  // one output's bytes on their way into the staging
  /// What came in: the packet itself, or what it was put together from.
  struct Came {
    uint64_t packet, stamp_ns;
    uint8_t in;
    Transmit::Frame frame;  // valid until the next one
  };

  /// What a number brings home at most: lines, and bytes of any one capture.
  struct Load {
    uint64_t lines, bytes;
  };
  [[nodiscard]] Load load_of(const InFlight& slot) const;
  [[nodiscard]] bool room(uint64_t number) const;
  [[nodiscard]] bool writes_lines() const;
  [[nodiscard]] bool is_laned(uint64_t number) const { return inflight_.slots()[number & (window_ - 1)].laned != 0; }
  /// The next number, by the lane or out of the ring.
  void next(chain::Inlet& in, const InFlight& slot, chain::Descriptor& descriptor);
  /// False: its descriptor cannot be right.
  bool packet(const chain::Descriptor& descriptor, const InFlight& slot);
  /// What next() has read of how it is translated, into rewriting_. False: it should be, and nobody says how.
  [[nodiscard]] bool take_translation(const chain::Descriptor& descriptor);
  /// The packet as rules have changed it, into frame_; rewriting_ keeps what is not in it yet. False: as above.
  [[nodiscard]] bool read_edit(const chain::Descriptor& descriptor);
  void accepted(const chain::Descriptor& descriptor, const InFlight& slot);
  void dropped(chain::DropReason reason, const Came& came);
  /// The fragments that go with it, if they do not share its fate.
  void spoilt(const InFlight& slot);
  [[nodiscard]] uint64_t count_came(const InFlight& slot) const;
  template <class Each>
  void each_fragment(uint32_t chain, Each each);
  template <class Each>
  void each_came(const InFlight& slot, Each each);
  [[nodiscard]] uint32_t drawn(const chain::Descriptor& descriptor) const;
  /// Bytes that cutting it takes at most beside its own: records and headers of the pieces. `came`: fragments that it came in.
  [[nodiscard]] uint64_t repeated(const InFlight& slot, uint64_t came) const;
  /// What takes more is not cut: an output must have room for it, and for the fragments that it came in.
  [[nodiscard]] uint64_t most_repeated() const;
  void leaves(size_t interface, const chain::Descriptor& descriptor, const InFlight& slot, const Transmit::Frame& frame);
  void answer(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint64_t stamp_ns);
  void sent(size_t interface, uint64_t stamp_ns, const Transmit::Frame& frame);
  void put(size_t output, uint64_t stamp_ns, const Transmit::Frame& frame);
  void line(const chain::Descriptor& descriptor, const Came& came);

  state::PktioState& state_;
  InFlightTable& inflight_;
  Reassembly& reassembly_;
  Lanes& lanes_;
  chain::Pool& pool_;
  state::Staging& staging_;
  const state::Answers& answers_;
  const state::HeaderEdits& edits_;
  const state::NatEdits& translations_;
  Options options_;
  Transmit transmit_;
  Cut cut_;
  Chance chance_;
  std::vector<uint32_t> mtus_;  // by interface; none: a bridge
  uint32_t smallest_mtu_ = Cut::kNoLimit;
  Writer& writer_;
  uint64_t window_, slots_window_;
  bool router_;
  std::vector<std::unique_ptr<Pile>> piles_;
  std::vector<uint64_t> staged_;
  state::NatEdit translation_{};   // of the packet that is being sent; number 0: none
  packet::Rewriting rewriting_{};   // and what of it home has to do
  std::span<const uint8_t> frame_;   // the packet that is being sent, or quoted
  std::vector<uint8_t> edited_;      // room for one whose headers rules have changed
  uint32_t edited_reach_ = 0;        // up to which byte of layer 3
  std::vector<uint8_t> fragment_;    // room for the longest
  std::vector<char> line_;           // the same

  uint64_t number_ = 0;
  uint64_t large_ = 0;
  uint64_t corrupt_ = 0;
  struct Gathered {  // since the last store()
    uint64_t accepted, dropped;
    std::array<uint64_t, static_cast<size_t>(chain::DropReason::count)> drops;
    std::array<uint64_t, 8> states;
    std::array<uint64_t, control::kMaxInterfaces> packets, bytes;
  };
  Gathered gathered_{};
};

}  // namespace bulkhead::pktio
