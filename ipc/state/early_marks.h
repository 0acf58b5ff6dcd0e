// ipc/state/early_marks.h: what chains before conntrack have left on a packet, for those behind it.
//
// Who     rules' early visit writes the slot of each packet that it passes on; its main visit reads it, and track, where rules set zones.
// Owner   a slot for each number (ipc/memory/slots.h, which says too how it is trusted).
#pragma once

#include "common/packet/packet.h"
#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct EarlyMark {
  uint64_t number;
  uint64_t steps;     // of its walk (ipc/state/walk.h), where that is written down
  uint32_t mark;      // meta mark
  uint32_t priority;  // meta priority
  packet::Zones zones;  // in which its flow is looked for: conntrack's track reads that too
  uint32_t steady;    // 1: nothing in there tells it from another packet of its flow (common/ruleset/compile/steady.h)
  uint16_t copies, copies_lost;  // that they have made of it (copies.h)
};
static_assert(sizeof(EarlyMark) == 40);

using EarlyMarks = memory::Slots<EarlyMark, memory::Layout::early_marks>;

}  // namespace bulkhead::state