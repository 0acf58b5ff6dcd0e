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

/// wyhash's mixing: each byte of the address reaches each bit.
uint64_t Flights::hash(const Address& address) const noexcept {
  __extension__ using Wide = unsigned __int128;
  auto const mixed = [](uint64_t a, uint64_t b) {
    Wide const product = Wide{a} * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t const first = mixed(load_raw<uint64_t>(address.data()) ^ key_, 0x9e3779b97f4a7c15U);
  return mixed(first ^ load_raw<uint64_t>(address.data() + 8), 0xbf58476d1ce4e5b9U);
}

void Flights::count(const packet::Tuple& original, uint32_t more) noexcept {
  if (!translates_) return;
  uint64_t const source = hash(original.src), destination = hash(original.dst);
  batch_.add(place(from, source), more);
  batch_.add(place(to, destination), more);
  batch_.add(place(both, hash_of_both(source, destination)), more);
}

bool Flights::may_answer(const packet::Tuple& tuple) const noexcept {
  if (!translates_ || state_.unconfirmed.load() == 0) return false;
  if (memory::simulate::mistaken(memory::simulate::Mistake::hazard_left_out)) return false;
  uint64_t const source = hash(tuple.dst), destination = hash(tuple.src);
  bool const known_source = place(from, source).load() != 0, known_destination = place(to, destination).load() != 0;
  // Of a flow whose addresses stay: nat may have given it another port.
  if (known_source && known_destination && place(both, hash_of_both(source, destination)).load() != 0) return true;
  bool const other_source = sources_.contains({tuple.dst, tuple.l3}), other_destination = destinations_.contains({tuple.src, tuple.l3});
  return (other_source && (other_destination || known_destination)) || (other_destination && known_source);
}

}  // namespace bulkhead::conntrack
