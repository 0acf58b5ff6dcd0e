// services/conntrack/flights.h: could this packet be the answer to one that is still in the chain, and may be translated?
//
// Who     track, for a packet that meets no flow; track and confirm tell it of flows that begin, and of their fate.
// Why     which tuple a flow comes back with is not known before nat has bound it. A packet that could be its answer waits
//         until no unconfirmed flow is in the chain; one too many that waits costs time and changes nothing.
// Could   it goes to the source of a flow in the chain, or to an address that a source may become; and comes from the same
//         flow's destination, or from one that a destination may become.
// Crash   counts are words of conntrack.state, within the batch. Counted by a keyed hash: two addresses may share a count.
#pragma once

#include <vector>

#include "common/packet/nat_range.h"
#include "ipc/control/settings.h"
#include "ipc/state/flow_table.h"

namespace bulkhead::conntrack {

/// Ranges of addresses, to be asked.
class AddressRanges {
 public:
  explicit AddressRanges(const std::vector<ruleset::AddressRange>& ranges);
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  std::vector<ruleset::AddressRange> ranges_;  // ascending, apart from each other
};

class Flights {
 public:
  static constexpr size_t kWordsEach = 3;  // of begin() or end()

  Flights(state::ConntrackState& state, memory::Batch& batch, const ruleset::Facts& ruleset, uint64_t seed);

  void begin(const packet::Tuple& original) noexcept { count(original, 1); }
  void end(const packet::Tuple& original) noexcept { count(original, ~0U); }
  [[nodiscard]] bool may_answer(const packet::Tuple& tuple) const noexcept;

 private:
  using Address = std::array<uint8_t, 16>;
  enum Ends : uint8_t { from, to, both };

  void count(const packet::Tuple& original, uint32_t more) noexcept;
  [[nodiscard]] uint64_t hash(const Address& address) const noexcept;
  [[nodiscard]] memory::Word<uint32_t>& place(Ends ends, uint64_t hash) const noexcept {
    return state_.flights[ends][hash >> 32 & (state::ConntrackState::kFlights - 1)];
  }
  [[nodiscard]] static uint64_t hash_of_both(uint64_t source, uint64_t destination) noexcept { return source ^ (destination << 7 | destination >> 57); }

  state::ConntrackState& state_;
  memory::Batch& batch_;
  bool translates_;
  uint64_t key_;
  AddressRanges sources_, destinations_;
};

}  // namespace bulkhead::conntrack
