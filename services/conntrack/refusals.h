// services/conntrack/refusals.h: tuples of which no packet can begin a flow, since rules drop each that would.
//
// Who     rules says so of a packet that it has dropped (Facts::refused); confirm notes it, track asks.
// Why     a packet waits for the fate of an unconfirmed entry with its tuple. One tuple that is blocked, sent over and over, would
//         have everybody wait at each packet. Here its fate is known before it has gone anywhere: it makes its entry as ever,
//         which nobody finds, and is dropped as ever.
// Same    whether a tuple is known here changes how long somebody waits, and nothing else.
// Which   packets that rules cannot tell apart but by what makes a verdict uncertain (Evaluation::certain): plain ones of UDP and TCP,
//         of TCP with the same flags.
// Crash   a cache on the heap: nothing of it is shared, and a successor begins with none.
#pragma once

#include <vector>

#include "ipc/chain/descriptor.h"
#include "ipc/state/flow_table.h"

namespace bulkhead::conntrack {

class Refusals {
 public:
  Refusals() : all_(kRefusals) {}

  /// Of the packet that has made the entry.
  void note(const state::FlowEntry& entry, const chain::Descriptor& packet) noexcept {
    if (!is_known(packet)) return;
    all_[place(entry.hashes[0].load())] = {state::words_of(state::tuple_of(entry.tuples[0])), true, packet.in, chain::judged_flags(packet)};
  }
  /// `hash`: of the packet's tuple, as the flow table's.
  void prefetch(uint64_t hash) const noexcept { __builtin_prefetch(&all_[place(hash)]); }
  [[nodiscard]] bool has(const chain::Descriptor& packet, uint64_t hash) const noexcept {
    const Refusal& known = all_[place(hash)];
    return known.there && packet.in == known.in && known.flags == chain::judged_flags(packet) &&
           known.tuple == state::words_of(packet.tuple) && is_known(packet);
  }

 private:
  static constexpr size_t kRefusals = 4096;

  struct alignas(64) Refusal {
    state::TupleWords tuple{};
    bool there = false;
    uint8_t in = 0;
    uint8_t flags = 0;
  };
  [[nodiscard]] static bool is_known(const chain::Descriptor& packet) noexcept {
    bool const one = packet.tuple.protocol == packet::protocol::udp || packet.tuple.protocol == packet::protocol::tcp;
    return one && chain::is_plain(packet);
  }
  [[nodiscard]] static size_t place(uint64_t hash) { return hash >> 16 & (kRefusals - 1); }

  std::vector<Refusal> all_;
};

}  // namespace bulkhead::conntrack
