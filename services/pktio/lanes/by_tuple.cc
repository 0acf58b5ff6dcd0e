#include "services/pktio/lanes/by_tuple.h"

#include <algorithm>

namespace bulkhead::pktio {

using state::FlowBucket;

std::optional<LanesByTuple::Hit> LanesByTuple::find(const packet::Tuple& tuple, uint64_t hash) const noexcept {
  state::TupleWords const words = state::words_of(tuple);
  for (const memory::Word<uint64_t>& word : table_.bucket(hash).places) {
    uint64_t const place = word.load();
    if (!FlowBucket::may_be(place, hash)) continue;
    uint32_t const flow = FlowBucket::index_at(place);
    if (flow < table_.flows() && state::is_tuple(table_.lane(flow).sides[place & 1].tuple, words)) return Hit{flow, FlowBucket::way_at(place)};
  }
  return std::nullopt;
}

std::optional<LanesByTuple::Hit> LanesByTuple::find_either(const packet::Tuple& tuple, uint64_t hash) const noexcept {
  if (auto const hit = find(tuple, hash)) return hit;
  // The answer's tuple has the same hash.
  bool const maybe = std::ranges::any_of(table_.bucket(hash).places, [&](const auto& place) { return FlowBucket::may_be(place.load(), hash); });
  auto const answer = answers_ && maybe ? packet::inverse(tuple) : std::nullopt;
  auto hit = answer ? find(*answer, hash) : std::nullopt;
  if (hit) hit->own = false;
  return hit;
}

uint64_t LanesByTuple::look_ahead(const packet::Headers& headers) const noexcept {
  if (table_.flows() == 0 || (headers.shape != packet::Shape::ip && headers.shape != packet::Shape::malformed)) return 0;
  uint64_t const hash = hash_(headers.tuple);
  __builtin_prefetch(&table_.bucket(hash));
  return hash;
}

void LanesByTuple::look_near(uint64_t hash) const noexcept {
  if (table_.flows() == 0 || hash == 0) return;
  for (const memory::Word<uint64_t>& word : table_.bucket(hash).places) {
    uint64_t const place = word.load();
    uint32_t const flow = FlowBucket::index_at(place);
    if (!FlowBucket::may_be(place, hash) || flow >= table_.flows()) continue;
    const state::Lane& lane = table_.lane(flow);
    memory::prefetch<true>(&lane, memory::kCacheLine);
    return memory::prefetch<true>(&lane.sides[place & 1], sizeof(state::LaneSide));
  }
}

bool LanesByTuple::enter(uint32_t flow, const Keys& keys, memory::Batch& batch) {
  state::Lane& lane = table_.lane(flow);
  for (size_t way = 0; way < 2; ++way) {
    for (size_t i = 0; i < keys.tuples[way].size(); ++i) batch.set(lane.sides[way].tuple[i], keys.tuples[way][i]);
    batch.set(lane.hashes[way], keys.hashes[way]);
    batch.set(lane.sides[way].plan, uint64_t{0});
  }
  if (!insert(flow, chain::Direction::original, keys.hashes[0], batch)) return false;
  if (insert(flow, chain::Direction::reply, keys.hashes[1], batch)) return true;
  erase(flow, chain::Direction::original, batch);
  return false;
}

bool LanesByTuple::insert(uint32_t flow, chain::Direction way, uint64_t hash, memory::Batch& batch) {
  for (memory::Word<uint64_t>& place : table_.bucket(hash).places) {
    if (place.load() != 0) continue;
    batch.set(place, FlowBucket::place_of(flow, way, hash));
    return true;
  }
  return false;
}

void LanesByTuple::erase(uint32_t flow, chain::Direction way, memory::Batch& batch) {
  uint64_t const hash = table_.lane(flow).hashes[static_cast<size_t>(way)].load();
  for (memory::Word<uint64_t>& place : table_.bucket(hash).places)
    if (place.load() == FlowBucket::place_of(flow, way, hash)) return batch.set(place, uint64_t{0});
}

void LanesByTuple::remove(uint32_t flow, memory::Batch& batch) {
  batch.set(table_.lane(flow).generation, 0U);
  erase(flow, chain::Direction::original, batch);
  erase(flow, chain::Direction::reply, batch);
}

}  // namespace bulkhead::pktio
