// services/conntrack/conntrack.h: the conntrack process: two visits, one batch.
//
// Order   confirm is served first and whatever else happens, so that what track waits for always comes.
// Waits   a visit of track that waits ends the batch; track goes on once rules have decided all that it has put, and if that is not enough,
//         once all of it has come to confirm.
#pragma once

#include <array>

#include "ipc/chain/stage.h"
#include "ipc/state/early_marks.h"
#include "ipc/state/flow_views.h"
#include "services/conntrack/confirm.h"
#include "services/conntrack/track.h"

namespace bulkhead::conntrack {

class Conntrack : public chain::Stage {
 public:
  struct Parts {
    chain::StageParts stage;
    state::ConntrackState& state;
    const chain::Ring& track;
    const chain::Ring& confirm;
    chain::Next rules;
    chain::Next home;
    const chain::Ring& decided;  // that rules put into
    const state::NatEdits& edits;
    const state::FlowOrdersTable& orders;
    const state::EarlyMarks& early;
    const control::Settings& settings;
    state::FlowViews& views;
    state::LaneTable lanes;
  };
  explicit Conntrack(const Parts& parts);

 protected:
  bool make() override;
  bool work() override;
  bool stalled() const override { return waits_ != Waits::no; }
  /// Packets that have come home need nobody as long as others wait for each other.
  [[nodiscard]] bool may_ring_later(size_t outlet) const override;

 private:
  uint64_t confirm_some();
  uint64_t track_some();
  /// May track go on?
  [[nodiscard]] bool may_track();
  /// What rules may ask of the packet's flow.
  void show_flow(const chain::Descriptor& descriptor);
  /// What an answer to a packet that has no flow would be related to.
  void show_related(const chain::Descriptor& descriptor, FlowTable::Hit hit);
  /// Those that rules have put the packet into, before track.
  [[nodiscard]] packet::Zones zones_of(const chain::Descriptor& descriptor) const;
  void look_ahead(const chain::Inlet& in, uint64_t distance, uint64_t turn);

  static constexpr uint64_t kAhead = 8;
  struct Ahead {
    chain::Descriptor descriptor;
    uint64_t hash;
    packet::Zones zones;
  };

  state::ConntrackState& state_;
  state::FlowViews& views_;
  const state::EarlyMarks* early_;  // null: rules set no zones
  FlowTable table_;
  Flights flights_;
  Refusals refusals_;
  const chain::Ring& decided_;
  Fates fates_;
  Track track_;
  Confirm confirm_;
  std::array<Ahead, kAhead> ahead_{};
  bool asked_;          // by a rule, of flows' counts
  uint64_t tracked_ = 0;  // the last number that track has passed on
  enum class Waits : uint8_t { no, for_rules, for_confirm } waits_ = Waits::no;  // track, until that one has come there
};

}  // namespace bulkhead::conntrack
