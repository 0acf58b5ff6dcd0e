// services/conntrack/confirm.h: the second visit of conntrack: the flow of a packet that passed becomes known.
//
// Before  nat (helpers, where there are any). After: pktio (services/pktio/home.cc).
// Crash   in the same batch as track's work, so what one visit does the other sees at once.
// Source  __nf_conntrack_confirm(): a packet that was dropped leaves nothing behind.
#pragma once

#include "ipc/descriptor.h"
#include "services/conntrack/table.h"

namespace bulkhead::conntrack {

class Confirm {
 public:
  static constexpr size_t kWordsEach = FlowTable::kWordsToRemove + 8;

  Confirm(ConntrackState& state, FlowTable& table, Batch& batch) : state_(state), table_(table), batch_(batch) {}

  /// False: the descriptor names an entry or deletions that cannot be.
  [[nodiscard]] bool visit(const Descriptor& descriptor) noexcept;

 private:
  [[nodiscard]] bool decide(const Descriptor& descriptor) noexcept;
  [[nodiscard]] bool pass_gone(const Descriptor& descriptor) noexcept;

  ConntrackState& state_;
  FlowTable& table_;
  Batch& batch_;
};

}  // namespace bulkhead::conntrack
