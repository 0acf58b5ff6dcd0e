// services/pktio/pktio.h: the pktio process: the two ends of the chain, one batch.
//
// Order   home first, since what comes home makes room for what comes in. What this batch lets go is used again
//         only by the next one, when it is committed.
// End     all sources have ended, every number is home, the sink has let everything go: `done` is stored and the holder's
//         bell rung. A successor that finds all that true says it again.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ipc/chain/stage.h"
#include "ipc/control/settings.h"
#include "services/pktio/in/receive.h"
#include "services/pktio/out/home.h"

namespace bulkhead::pktio {

class Pktio : public chain::Stage {
 public:
  /// The capture of an interface, to be read from a position on.
  using OpenSource = std::function<Result<std::unique_ptr<Source>>(size_t interface, const Position&)>;
  /// Packets that may have been taken in by now, at the pace that was asked for.
  using Pace = std::function<uint64_t()>;

  struct Parts {
    chain::StageParts stage;
    state::PktioState& state;
    InFlightTable& inflight;
    FragmentCells& fragments;
    state::LanedPackets& laned;
    const state::MetCountersTable& met_counters;
    const state::ConntrackState& conntrack;
    size_t conntrack_bytes;
    const memory::CommitArea& conntrack_commit;
    chain::Pool& pool;
    const state::Answers& answers;
    const state::HeaderEdits& edits;
    const state::CopiesTable& copies;
    const state::NatEdits& translations;
    const chain::Ring& home;
    chain::Next first;  // of the chain
    chain::Bell& holder;
    const control::Settings& settings;
    OpenSource open;
    std::unique_ptr<Sink> sink;
    Pace pace;  // empty: as fast as it goes
  };
  explicit Pktio(Parts parts);

 protected:
  bool make() override;
  bool work() override;
  void recovered() override;
  void committed() override;

 private:
  [[nodiscard]] std::vector<std::unique_ptr<Source>> open_sources(packet::LinkType& link);
  [[nodiscard]] std::unique_ptr<Source> open_source(size_t interface);
  void decide_link(const std::vector<std::unique_ptr<Source>>& sources, packet::LinkType& link);
  [[nodiscard]] Mac mac_of(size_t interface) const;
  void input_failed(size_t interface, const std::string& why);
  void fail_all(const std::string& why);
  [[nodiscard]] uint64_t allowed();
  /// Packets that may be taken in now; 0 too if there is none and no source's end to be noted. `home`: the last
  /// number whose cell may be used again.
  [[nodiscard]] uint64_t receivable(uint64_t home, uint64_t large_home);
  [[nodiscard]] bool all_home() const;
  void take_home();
  void finish_if_done();

  state::PktioState& state_;
  const control::Settings& settings_;
  OpenSource open_;
  Pace pace_;
  chain::Bell& holder_;
  std::unique_ptr<Sink> sink_;
  Reassembly reassembly_;
  Lanes lanes_;
  Receive receive_;
  Home home_;
  uint64_t home_committed_ = 0, large_committed_ = 0;
  bool done_ = false;
};

}  // namespace bulkhead::pktio
