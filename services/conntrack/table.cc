#include "services/conntrack/table.h"

namespace bulkhead::conntrack {

FlowTable::FlowTable(state::ConntrackState& state, memory::Batch& batch, uint64_t seed)
    : state_(state),
      batch_(batch),
      finder_(state, static_cast<uint32_t>(state.header.capacity)),
      hash_(seed),
      capacity_(static_cast<uint32_t>(state.header.capacity)),
      mask_(state::ConntrackState::buckets_for(capacity_) - 1),
      buckets_(state.buckets()),
      entries_(state.entries(capacity_)) {}

void FlowTable::prefetch_entry(uint64_t hash) const noexcept {
  for (const memory::Word<uint64_t>& word : bucket_at(hash).places) {
    uint64_t const place = word.load();
    if (!state::FlowBucket::may_be(place, hash)) continue;
    return memory::prefetch<true>(&entries_[state::FlowBucket::index_at(place)], sizeof(state::FlowEntry));
  }
}

std::optional<FlowTable::Hit> FlowTable::find(packet::Tuple tuple, uint64_t hash, const packet::Zones& zones) const noexcept {
  tuple.zone = zones.original;
  if (zones.original == zones.reply) return finder_.find(tuple, hash);
  if (auto const hit = finder_.find(tuple, hash, chain::Direction::original)) return hit;
  tuple.zone = zones.reply;
  return finder_.find(tuple, hash_(tuple), chain::Direction::reply);
}

bool FlowTable::insert(uint32_t index, chain::Direction way, uint64_t hash) noexcept {
  for (unsigned passed = 0; passed <= kMaxPassed; ++passed) {
    for (memory::Word<uint64_t>& place : bucket_at(hash + passed).places) {
      if (place.load() != 0) continue;
      batch_.set(place, state::FlowBucket::place_of(index, way, hash));
      for (unsigned i = 0; i < passed; ++i) batch_.add(bucket_at(hash + i).passed, uint64_t{1});
      return true;
    }
  }
  return false;
}

bool FlowTable::insert_both(uint32_t index) noexcept {
  const auto& hashes = entries_[index].hashes;
  if (!insert(index, chain::Direction::original, hashes[0].load())) return false;
  if (insert(index, chain::Direction::reply, hashes[1].load())) return true;
  erase(index, chain::Direction::original);
  return false;
}

void FlowTable::erase(uint32_t index, chain::Direction way) noexcept {
  uint64_t const hash = entries_[index].hashes[static_cast<size_t>(way)].load();
  uint64_t const wanted = state::FlowBucket::place_of(index, way, hash);
  for (unsigned passed = 0; passed <= kMaxPassed; ++passed) {
    for (memory::Word<uint64_t>& place : bucket_at(hash + passed).places) {
      if (place.load() != wanted) continue;
      batch_.set(place, uint64_t{0});
      for (unsigned i = 0; i < passed; ++i) batch_.add(bucket_at(hash + i).passed, ~uint64_t{0});
      return;
    }
  }
}

std::optional<uint32_t> FlowTable::take_free() noexcept {
  if (used_up() && state_.dropped_first.load() != 0) {
    batch_.set(state_.free_first, state_.dropped_first.load());
    batch_.set(state_.dropped_first, 0U);
  }
  if (uint32_t const first = state_.free_first.load(); first != 0) {
    batch_.set(state_.free_first, entries_[first - 1].next_free.load());
    return first - 1;
  }
  uint32_t const fresh = state_.fresh.load();
  if (fresh == capacity_) return std::nullopt;
  batch_.set(state_.fresh, fresh + 1);
  return fresh;
}

void FlowTable::give_free(uint32_t index, memory::Word<uint32_t>& list) noexcept {
  batch_.set(entries_[index].next_free, list.load());
  batch_.set(list, index + 1);
}

std::optional<uint32_t> FlowTable::add(const packet::Tuple& original, uint64_t hash, const packet::Tuple& reply,
                                       uint64_t number, Found found) noexcept {
  std::optional<uint32_t> const index = take_free();
  if (!index) return std::nullopt;
  state::FlowEntry& entry = entries_[*index];
  batch_.touch(entry.stamp);
  state::TupleWords const words[2] = {state::words_of(original), state::words_of(reply)};
  for (size_t way = 0; way < 2; ++way)
    for (size_t i = 0; i < words[way].size(); ++i) batch_.set(entry.tuples[way][i], words[way][i]);
  bool const same_bucket = reply.src == original.dst && reply.dst == original.src &&
                           (original.is_icmp() || reply.src_port == original.dst_port) && reply.zone == original.zone;
  uint64_t const reply_hash = same_bucket ? hash : hash_(reply);
  batch_.set(entry.hashes[0], hash);
  batch_.set(entry.hashes[1], reply_hash);
  bool const apart = found == Found::apart;
  if (!apart && !insert_both(*index)) {
    give_free(*index, state_.free_first);
    return std::nullopt;
  }
  state_.generations.store(state_.generations.load() + 1);  // forward only: not in the batch
  batch_.set(entry.generation, state_.generations.load());
  batch_.set(entry.created, number);
  batch_.set(entry.status, state::Status32::used | (apart ? state::Status32::apart : 0));
  batch_.set(entry.protocol_state, 0U);
  if (entry.timeouts.load() != 0) batch_.set(entry.timeouts, 0U);
  for (state::FlowEntry::Counter& counter : entry.counters) {
    batch_.set(counter.packets, uint64_t{0});
    batch_.set(counter.bytes, uint64_t{0});
  }
  batch_.add(state_.used, 1U);
  batch_.add(state_.unconfirmed, 1U);
  return index;
}

bool FlowTable::set_reply(uint32_t index, const packet::Tuple& reply) noexcept {
  state::FlowEntry& entry = entries_[index];
  state::TupleWords const words = state::words_of(reply);
  if (state::is_tuple(entry.tuples[1], words)) return true;
  uint64_t const before = entry.hashes[1].load(), hash = hash_(reply);
  erase(index, chain::Direction::reply);
  if (!insert(index, chain::Direction::reply, hash)) {
    static_cast<void>(insert(index, chain::Direction::reply, before));  // where it has just been
    return false;
  }
  batch_.touch(entry.stamp);
  batch_.set(entry.hashes[1], hash);
  for (size_t i = 0; i < words.size(); ++i) batch_.set(entry.tuples[1][i], words[i]);
  return true;
}

void FlowTable::take_out(uint32_t index, memory::Word<uint32_t>& list) noexcept {
  state::FlowEntry& entry = entries_[index];
  batch_.touch(entry.stamp);
  if ((entry.status.load() & state::Status32::apart) == 0) erase_both(index);
  batch_.set(entry.status, 0U);
  batch_.add(state_.used, ~0U);
  give_free(index, list);
}

void FlowTable::erase_both(uint32_t index) noexcept {
  erase(index, chain::Direction::original);
  erase(index, chain::Direction::reply);
}

void FlowTable::set_apart(uint32_t index) noexcept {
  state::FlowEntry& entry = entries_[index];
  batch_.touch(entry.stamp);
  erase_both(index);
  batch_.set(entry.status, entry.status.load() | state::Status32::apart);
}

void FlowTable::remove(uint32_t index) noexcept {
  uint64_t const count = state_.gone_count.load();
  batch_.set(state_.gone[count % state::ConntrackState::kGone],
             uint64_t{entries_[index].generation.load()} << 32 | index);
  batch_.set(state_.gone_count, count + 1);
  take_out(index, state_.free_first);
}

void FlowTable::remove_dropped(uint32_t index) noexcept {
  batch_.add(state_.unconfirmed, ~0U);
  take_out(index, state_.dropped_first);
}

bool FlowTable::room_for_gone(uint64_t count) const noexcept {
  return state_.gone_count.load() - state_.gone_passed.load() + count <= state::ConntrackState::kGone;
}

}  // namespace bulkhead::conntrack
