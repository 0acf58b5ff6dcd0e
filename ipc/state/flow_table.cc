#include "ipc/state/flow_table.h"

namespace bulkhead::state {

template <class Wanted>
std::optional<FlowHit> FlowFinder::find_if(const packet::Tuple& tuple, uint64_t hash, Wanted wanted) const noexcept {
  TupleWords const words = words_of(tuple);
  for (unsigned passed = 0; passed <= kMaxPassed; ++passed) {
    const FlowBucket& bucket = buckets_[(hash + passed) & mask_];
    for (const memory::Word<uint64_t>& word : bucket.places) {
      uint64_t const place = word.load();
      if (!FlowBucket::may_be(place, hash)) continue;
      uint32_t const index = FlowBucket::index_at(place);
      if (index < capacity_ && wanted(FlowBucket::way_at(place)) && is_tuple(entries_[index].tuples[place & 1], words)) return FlowHit{index, FlowBucket::way_at(place)};
    }
    if (bucket.passed.load() == 0) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<FlowHit> FlowFinder::find(const packet::Tuple& tuple, uint64_t hash) const noexcept {
  return find_if(tuple, hash, [](chain::Direction) { return true; });
}

std::optional<FlowHit> FlowFinder::find(const packet::Tuple& tuple, uint64_t hash, chain::Direction way) const noexcept {
  return find_if(tuple, hash, [way](chain::Direction found) { return found == way; });
}

Look look_at(const FlowEntry& entry, const memory::Word<uint64_t>& generation, FlowSnapshot& into) {
  bool const good = memory::read_committed(entry.stamp, generation, [&] {
    into.created = entry.created.load();
    into.expires_ns = entry.expires_ns.load();
    into.status = entry.status.load();
    into.protocol_state = entry.protocol_state.load();
    for (size_t way = 0; way < 2; ++way) {
      into.tuples[way] = tuple_of(entry.tuples[way]);
      into.packets[way] = entry.counters[way].packets.load();
      into.bytes[way] = entry.counters[way].bytes.load();
    }
  });
  if (!good) return Look::changing;
  constexpr uint32_t wanted = Status32::used | Status32::confirmed;
  return (into.status & wanted) == wanted ? Look::flow : Look::none;
}

}  // namespace bulkhead::state