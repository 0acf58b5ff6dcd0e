#include "services/conntrack/flights.h"

#include <algorithm>

namespace bulkhead::conntrack {

AddressRanges::AddressRanges(const std::vector<ruleset::AddressRange>& ranges) {
  auto sorted = ranges;
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return std::pair(a.low.l3, a.low.bytes) < std::pair(b.low.l3, b.low.bytes);
  });
  for (const auto& range : sorted) {
    bool const joins = !ranges_.empty() && ranges_.back().low.l3 == range.low.l3 &&
                       range.low.bytes <= ranges_.back().high.bytes;
    if (!joins) ranges_.push_back(range);
    else ranges_.back().high.bytes = std::max(ranges_.back().high.bytes, range.high.bytes);
  }
}

bool AddressRanges::contains(const IpAddress& address) const noexcept {
  auto const behind = std::ranges::upper_bound(ranges_, std::pair(address.l3, address.bytes), {},
                                               [](const auto& range) { return std::pair(range.low.l3, range.low.bytes); });
  if (behind == ranges_.begin()) return false;
  const auto& range = *std::prev(behind);
  return range.low.l3 == address.l3 && address.bytes <= range.high.bytes;
}

Flights::Flights(state::ConntrackState& state, memory::Batch& batch, const ruleset::Facts& ruleset, uint64_t seed)
    : state_(state),
      batch_(batch),
      translates_(ruleset.translates),
      key_(seed * 2 + 1),
      sources_(ruleset.may_become[static_cast<size_t>(packet::Part::source)]),
      destinations_(ruleset.may_become[static_cast<size_t>(packet::Part::destination)]) {}

memory::Word<uint32_t>& Flights::place(packet::Part part, const std::array<uint8_t, 16>& address) const noexcept {
  uint64_t hash = (load_raw<uint64_t>(address.data()) ^ key_) * 0x9e3779b97f4a7c15U;
  hash = (hash ^ hash >> 29 ^ load_raw<uint64_t>(address.data() + 8)) * 0xbf58476d1ce4e5b9U;
  return state_.flights[static_cast<size_t>(part)][hash >> 32 & (state::ConntrackState::kFlights - 1)];
}

void Flights::count(const packet::Tuple& original, uint32_t more) noexcept {
  if (!translates_) return;
  batch_.add(place(packet::Part::source, original.src), more);
  batch_.add(place(packet::Part::destination, original.dst), more);
}

bool Flights::may_answer(const packet::Tuple& tuple) const noexcept {
  if (!translates_ || state_.unconfirmed.load() == 0) return false;
  if (memory::simulate::mistaken(memory::simulate::Mistake::hazard_left_out)) return false;
  bool const to = place(packet::Part::source, tuple.dst).load() != 0 || sources_.contains({tuple.dst, tuple.l3});
  return to && (place(packet::Part::destination, tuple.src).load() != 0 || destinations_.contains({tuple.src, tuple.l3}));
}

}  // namespace bulkhead::conntrack
