// services/pktio/in/receive.h: captures into the chain: merged by time, numbered, parsed.
//
// Before  the captures (services/pktio/in/source.h). After: conntrack's track; or home, by the fast lane (lanes.h).
// Order   the source whose next packet is oldest comes first, the earlier named one on a tie. Packet time is that of
//         the packet, but never goes back. A tick goes before the first packet of a new second, and before one
//         packet in kTickEvery; both follow from the input alone. A fragment gets no number: the datagram does, with its
//         last one; one that lacks a part for too long goes home with a tick of its own. With chains before reassembly a fragment
//         walks the chain by itself first, and nothing is taken in until it is home (ask()).
// Owner   cell and in-flight slot of a number are filled again only once the homecoming of the number before it in
//         the same slot is committed.
// Crash   positions and numbers are set in the batch at its end (store()); a successor opens the sources there.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ipc/chain/pool.h"
#include "ipc/chain/stage.h"
#include "ipc/control/settings.h"
#include "ipc/state/pktio_state.h"
#include "services/pktio/in/reassembly.h"
#include "services/pktio/in/source.h"
#include "services/pktio/inflight.h"
#include "services/pktio/lanes/lanes.h"

namespace bulkhead::pktio {

class Receive {
 public:
  static constexpr uint64_t kTickEvery = 128;  // packets
  static constexpr uint64_t kSecond = 1'000'000'000;

  struct Objects {
    state::PktioState& state;
    InFlightTable& inflight;
    chain::Pool& pool;
    Reassembly& reassembly;
    Lanes& lanes;
  };
  /// An interface; source is null where nothing comes in.
  struct Port {
    std::unique_ptr<Source> source;
    Source::State now = Source::State::waiting;
    Arrival next{};           // and what is known of it
    packet::Headers headers;
    chain::DropReason reason = chain::DropReason::none;  // why the kernel drops it before any hook
    std::optional<packet::Fragment> fragment;  // that is to be put together with others
    bool asks = false;        // and chains before that are asked about
    uint64_t hash = 0;        // of its tuple, for lanes.h
    uint64_t bytes = 0;       // taken in since the last store()
    bool moved = false;       // since the last store()
  };

  Receive(const Objects& objects, const control::Settings& settings);

  /// After recovery. Takes the sources over: one for each interface, null where it has ended or never was.
  void resume(std::vector<std::unique_ptr<Source>> sources);

  /// Up to `most` descriptors into `out`, while fewer than a window are in the chain: `home` and `large_home` are
  /// what is committed as come home. Gives how many.
  uint64_t some(chain::Outlet& out, memory::Batch& batch, uint64_t most, uint64_t home, uint64_t large_home);
  /// Would some() do anything?
  [[nodiscard]] bool ready(uint64_t home, uint64_t large_home);
  void store(memory::Batch& batch);

  [[nodiscard]] bool ended() const;
  [[nodiscard]] uint64_t numbered() const { return number_; }
  [[nodiscard]] uint64_t packets() const { return packets_; }

 private:
  [[nodiscard]] Port* earliest();
  /// What a packet that is no fragment to be kept brings with it.
  struct Spoilt {
    uint32_t chain = 0;                    // of its datagram; 0: none
    chain::DropReason reason = chain::DropReason::none;  // of its own
    bool asked = false;                    // chains before reassembly have seen it
  };
  void look(Port& port) const;
  [[nodiscard]] bool is_put_together(const packet::Headers& headers) const;
  void see_through_fragment(Port& port) const;
  [[nodiscard]] uint8_t in_of(const Port& port) const;
  [[nodiscard]] bool read_enough() const;
  [[nodiscard]] bool sources_ended() const;
  /// Has the oldest datagram that lacks a part waited for long enough, where `port` has what comes next?
  [[nodiscard]] bool gives_up(const Port* port) const;
  [[nodiscard]] bool has_large_cell(uint64_t large_home) const;
  [[nodiscard]] bool fits(const Port& port, uint64_t large_home) const;
  [[nodiscard]] bool tick_due(const Arrival& arrival) const;
  /// Is this a fragment that chains before reassembly have yet to be asked about, or have not answered yet?
  [[nodiscard]] bool asks(const Port& port) const { return port.asks && asked_.number.load() == 0; }
  [[nodiscard]] bool waits(const Port& port, uint64_t home) const { return port.asks && asked_.number.load() > home; }
  void ask(const Port& port, chain::Outlet& out, memory::Batch& batch);
  void tick(uint64_t time_ns, chain::Outlet& out);
  void send_lost(uint32_t chain, chain::Outlet& out);
  void next(Port& port, chain::Outlet& out, memory::Batch& batch);
  void packet(const Port& port, const Spoilt& spoilt, chain::Outlet& out, memory::Batch& batch);
  void fragment(Port& port, const packet::Fragment& says, uint32_t mark, chain::Outlet& out, memory::Batch& batch);
  void whole(const Port& port, const Reassembly::Taken& taken, chain::Outlet& out, memory::Batch& batch);
  [[nodiscard]] InFlight slot_of(const Port& port) const;
  uint32_t cell(size_t bytes, InFlight& slot);
  [[nodiscard]] chain::Descriptor describe(const InFlight& slot, std::span<const uint8_t> bytes, const packet::Headers& headers,
                                    packet::LinkType link);
  [[nodiscard]] bool is_explained(uint8_t in, uint64_t packet) const;
  void send_packet(chain::Descriptor& descriptor, InFlight& slot, std::span<const uint8_t> frame, uint64_t hash, chain::Outlet& out, memory::Batch& batch);
  void send_event(const InFlight& slot, chain::Outlet& out);
  void number(chain::Descriptor& descriptor, InFlight& slot);
  void keep(const InFlight& slot);

  state::PktioState& state_;
  InFlightTable& inflight_;
  chain::Pool& pool_;
  uint64_t window_;
  bool router_;
  bool pieces_;  // there are chains before reassembly
  std::unique_ptr<const Routes> routes_;  // a router's
  std::array<bool, 2> reassembles_;
  control::Settings::Explained explained_;
  FragmentLinks::Asked& asked_;
  Reassembly& reassembly_;
  Lanes& lanes_;
  std::vector<Port> ports_;
  /// Since the last store(): what senders had left to their cards.
  struct Mended {
    uint64_t sums = 0, lengths = 0, super_frames = 0;
  };
  Mended mended_;
  std::vector<uint32_t> mtus_;  // by interface; none: a bridge
  std::vector<Mac> own_macs_;  // by interface; none: every frame is taken
  uint64_t number_ = 0;
  uint64_t time_ns_ = 0;
  uint64_t tick_time_ns_ = 0;
  uint64_t since_tick_ = 0;
  uint64_t large_taken_ = 0;
  uint64_t packets_ = 0, bytes_ = 0;
};

}  // namespace bulkhead::pktio
