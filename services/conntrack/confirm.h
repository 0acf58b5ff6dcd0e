// services/conntrack/confirm.h: the second visit of conntrack: the flow of a packet that passed becomes known.
//
// Before  nat (helpers, where there are any). After: pktio (services/pktio/out/home.cc).
// Crash   in the same batch as track's work, so what one visit does the other sees at once.
// Source  __nf_conntrack_confirm(): a packet that was dropped leaves nothing behind.
#pragma once

#include "ipc/chain/descriptor.h"
#include "ipc/control/settings.h"
#include "ipc/state/flow_orders.h"
#include "ipc/state/nat_orders.h"
#include "ipc/tracking/timeouts.h"
#include "services/conntrack/flights.h"
#include "services/conntrack/refusals.h"
#include "services/conntrack/table.h"

namespace bulkhead::conntrack {

class Confirm {
 public:
  static constexpr size_t kWordsEach = FlowTable::kWordsToMove + FlowTable::kWordsToRemove + Flights::kWordsEach + 24;

  struct Objects {
    const state::NatEdits& edits;
    const state::FlowOrdersTable& orders;
  };
  Confirm(state::ConntrackState& state, FlowTable& table, Flights& flights, Refusals& refusals, const Objects& objects, memory::Batch& batch, const control::Settings& settings)
      : state_(state),
        table_(table),
        flights_(flights),
        refusals_(refusals),
        objects_(objects),
        window_(objects.edits.header.capacity),
        batch_(batch),
        policies_(settings.ruleset.timeouts),
        ordered_(!settings.ruleset.timeouts.empty()),
        sets_tuples_(settings.ruleset.sets_tuples) {}

  /// False: the descriptor names an entry or deletions that cannot be. Drops a packet whose flow's translated tuple finds no
  /// place in the table.
  [[nodiscard]] bool visit(chain::Descriptor& descriptor) noexcept;

 private:
  [[nodiscard]] bool decide(chain::Descriptor& descriptor) noexcept;
  [[nodiscard]] bool pass_foreseen(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept;
  /// What nat made of the flow: its answers come with another tuple. False: there is no place for it.
  [[nodiscard]] bool translated(const chain::Descriptor& descriptor, uint32_t index, uint32_t& status) noexcept;
  /// What rules want of a flow that becomes one.
  void follow_orders(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept;
  /// Linux nf_conntrack_tcp_set_closing.
  void close(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept;
  /// A reset about a packet that was not of the flow is a packet of it itself, the other way (nf_send_reset, by the output hook).
  void track_reset(const chain::Descriptor& descriptor) noexcept;
  [[nodiscard]] bool pass_gone(const chain::Descriptor& descriptor) noexcept;

  state::ConntrackState& state_;
  FlowTable& table_;
  Flights& flights_;
  Refusals& refusals_;
  Objects objects_;
  uint64_t window_;
  memory::Batch& batch_;
  tracking::TimeoutPolicies policies_;
  bool ordered_;      // rules say of flows that begin how long they are to live
  bool sets_tuples_;  // rules do, and say so in the descriptor of a packet without a flow
};

}  // namespace bulkhead::conntrack
