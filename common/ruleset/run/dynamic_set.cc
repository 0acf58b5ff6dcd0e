#include "common/ruleset/run/dynamic_set.h"

#include "common/ruleset/run/connections.h"

#include <algorithm>
#include <bit>

#include "common/base/chance.h"

namespace bulkhead::ruleset {
namespace {

void change(StateWords& state, uint32_t word, uint64_t value) noexcept {
  if (state.get(word) != value) state.set(word, value);
}

}  // namespace

DynamicSet::DynamicSet(Layout layout, uint64_t seed) : layout_(std::move(layout)) {
  Chance const chance(seed);
  std::array<uint64_t, 2> const key{chance(Chance::Purpose::set_hash, 0), chance(Chance::Purpose::set_hash, 1)};
  static_assert(sizeof key == sizeof hash_key_);
  std::memcpy(hash_key_.data(), key.data(), sizeof key);
}

uint64_t DynamicSet::lay_out() {
  for (const Body& body : bodies) state_words_ = std::max(state_words_, static_cast<uint32_t>(body.initial.size()));
  for (uint8_t const words : layout_.key) key_words_ += words;
  for (uint8_t const words : layout_.data) data_words_ += words * (layout_.data_ranges ? 2U : 1U);
  key_part_ = layout_.timeouts ? expires_part + 1 : place_part;
  data_part_ = key_part_ + key_words_;
  state_part_ = data_part_ + data_words_;
  entry_words_ = state_part_ + state_words_;
  buckets_ = std::bit_ceil(layout_.most);
  uint64_t const heap = layout_.timeouts ? layout_.most : 0;
  return header_words + buckets_ + heap + uint64_t{layout_.most} * entry_words_;
}

void DynamicSet::place(uint32_t first, uint32_t start) {
  first_ = first;
  start_ = start;
  bucket_ = first_ + header_words;
  heap_ = bucket_ + buckets_;
  entries_ = heap_ + (layout_.timeouts ? layout_.most : 0);
}

// --- finding ---

DynamicSet::Packed DynamicSet::pack(const Number* key) const noexcept {
  Packed packed{};
  size_t word = 0;
  for (size_t field = 0; field < layout_.key.size(); ++field) {
    if (layout_.key[field] == 2) packed[word++] = static_cast<uint64_t>(key[field] >> 64);
    packed[word++] = static_cast<uint64_t>(key[field]);
  }
  return packed;
}

uint32_t DynamicSet::bucket(const Packed& key) const noexcept {
  uint64_t hash = 0;
  crypto_shorthash(reinterpret_cast<uint8_t*>(&hash), reinterpret_cast<const uint8_t*>(key.data()),
                   key_words_ * sizeof(uint64_t), hash_key_.data());
  return bucket_ + (static_cast<uint32_t>(hash) & (buckets_ - 1));
}

/// Links are indexes plus 1.
uint32_t DynamicSet::entry_in(uint64_t word) const noexcept {
  return word - 1 < layout_.most ? static_cast<uint32_t>(word - 1) : kNone;
}

uint32_t DynamicSet::search(const Packed& key, const StateWords& state) const noexcept {
  uint32_t entry = entry_in(state.get(bucket(key)));
  for (uint32_t steps = 0; entry != kNone && steps < layout_.most; ++steps) {
    bool same = true;
    for (uint32_t i = 0; i < key_words_ && same; ++i) same = state.get(at(entry, key_part_ + i)) == key[i];
    if (same) return entry;
    entry = entry_in(state.get(at(entry, next)));
  }
  return kNone;
}

uint32_t DynamicSet::find(const Number* key, const StateWords& state, uint64_t now_ns) const noexcept {
  uint32_t const entry = search(pack(key), state);
  return entry == kNone || is_expired(entry, state, now_ns) ? kNone : entry;
}

uint32_t DynamicSet::find_any(const Number* key, const StateWords& state, uint64_t now_ns) const noexcept {
  uint32_t const own = find(key, state, now_ns);
  if (own != kNone) return own;
  uint32_t const others = entry_in(state.get(first_ + for_others));
  return others == kNone || is_expired(others, state, now_ns) ? kNone : others;
}

uint64_t DynamicSet::timeout(uint32_t entry, const StateWords& state) const noexcept {
  return layout_.timeouts ? state.get(at(entry, timeout_part)) : 0;
}

uint64_t DynamicSet::expires(uint32_t entry, const StateWords& state) const noexcept {
  if (!layout_.timeouts) return 0;
  uint64_t const word = state.get(at(entry, expires_part));
  if ((word & kFromStart) == 0) return word;
  return (word & ~kFromStart) + (start_ == kNone ? 0 : state.get(start_));
}

bool DynamicSet::is_expired(uint32_t entry, const StateWords& state, uint64_t now_ns) const noexcept {
  uint64_t const when = expires(entry, state);
  return when != 0 && now_ns >= when;
}

/// For each word: which number of MapData, and how far it is shifted there.
template <class Visit>
void DynamicSet::each_data_word(Visit visit) const noexcept {
  for (size_t field = 0; field < layout_.data.size(); ++field)
    for (size_t end = 0; end < (layout_.data_ranges ? 2U : 1U); ++end)
      for (unsigned left = layout_.data[field]; left != 0; --left) visit(2 * field + end, 64 * (left - 1));
}

MapData DynamicSet::data(uint32_t entry, const StateWords& state) const noexcept {
  MapData data{};
  uint32_t word = at(entry, data_part_);
  each_data_word([&](size_t number, unsigned shift) { data[number] |= Number{state.get(word++)} << shift; });
  for (size_t i = 0; i < data.size() && !layout_.data_ranges; i += 2) data[i + 1] = data[i];
  return data;
}

const DynamicSet::Body& DynamicSet::body(uint32_t entry, const StateWords& state) const noexcept {
  auto const index = static_cast<uint32_t>(state.get(at(entry, body_part))) - 1;
  return bodies[index < bodies.size() ? index : 0];
}

// --- changing ---

uint32_t DynamicSet::enter(const Element& element, StateWords& state, uint64_t now_ns, bool& added) const noexcept {
  Packed const key = pack(element.key.data());
  uint32_t const there = search(key, state);
  added = false;
  if (there != kNone && !is_expired(there, state, now_ns)) return there;
  uint32_t const gone = there != kNone ? there : first_to_expire(state);
  if (gone != kNone && is_expired(gone, state, now_ns)) remove(gone, state);
  uint32_t const entry = take_free(state);
  if (entry == kNone) return kNone;
  added = true;
  link(entry, bucket(key), state);
  fill(entry, element, key, state);
  return entry;
}

uint32_t DynamicSet::enter_for_others(const Element& element, StateWords& state) const noexcept {
  uint32_t const entry = take_free(state);
  if (entry == kNone) return kNone;
  fill(entry, element, {}, state);
  change(state, first_ + for_others, entry + 1);
  return entry;
}

uint32_t DynamicSet::take_free(StateWords& state) const noexcept {
  uint64_t const ever = state.get(first_ + ever_used);
  uint32_t entry = entry_in(state.get(first_ + free_list));
  if (entry != kNone) {
    change(state, first_ + free_list, state.get(at(entry, next)));
  } else if (ever < layout_.most) {
    entry = static_cast<uint32_t>(ever);
    change(state, first_ + ever_used, ever + 1);
  } else {
    return kNone;
  }
  return entry;
}

void DynamicSet::link(uint32_t entry, uint32_t bucket, StateWords& state) const noexcept {
  change(state, at(entry, next), state.get(bucket));
  change(state, bucket, entry + 1);
}

void DynamicSet::fill(uint32_t entry, const Element& element, const Packed& key, StateWords& state) const noexcept {
  change(state, at(entry, body_part), uint64_t{element.origin} << 32 | (element.body + 1U));
  for (uint32_t i = 0; i < key_words_; ++i) change(state, at(entry, key_part_ + i), key[i]);
  uint32_t word = at(entry, data_part_);
  each_data_word([&](size_t number, unsigned shift) { change(state, word++, static_cast<uint64_t>(element.data[number] >> shift)); });
  const std::vector<uint64_t>& words = element.initial != nullptr ? *element.initial : bodies[element.body].initial;
  for (uint32_t i = 0; i < words.size(); ++i) change(state, state_of(entry) + i, words[i]);
  if (!layout_.timeouts) return;
  change(state, at(entry, timeout_part), element.timeout_ns);
  change(state, at(entry, expires_part), element.expires_ns);
  change(state, at(entry, place_part), 0);
  if (element.expires_ns == 0) return;
  auto const last = static_cast<uint32_t>(state.get(first_ + heap_size));
  change(state, first_ + heap_size, last + 1);
  rise(last, entry, state);
}

void DynamicSet::refresh(uint32_t entry, uint64_t expires_ns, StateWords& state) const noexcept {
  uint64_t const before = expires(entry, state);
  auto const place = static_cast<uint32_t>(state.get(at(entry, place_part)));
  if (!layout_.timeouts || place == 0 || place > layout_.most) return;
  change(state, at(entry, expires_part), expires_ns);
  if (expires(entry, state) >= before) sink(place - 1, entry, state);
  else rise(place - 1, entry, state);
}

void DynamicSet::remove(uint32_t entry, StateWords& state) const noexcept {
  if (state.get(first_ + for_others) == entry + 1) change(state, first_ + for_others, 0);
  else unlink(entry, state);
  leave_heap(entry, state);
  give_lists_back(entry, state);
  change(state, at(entry, body_part), 0);
  change(state, at(entry, next), state.get(first_ + free_list));
  change(state, first_ + free_list, entry + 1);
}

void DynamicSet::give_lists_back(uint32_t entry, StateWords& state) const noexcept {
  for (uint32_t const list : body(entry, state).lists) ConnectionLists::give_back(state, pool, state_of(entry) + list);
}

void DynamicSet::unlink(uint32_t entry, StateWords& state) const noexcept {
  Packed key{};
  for (uint32_t i = 0; i < key_words_; ++i) key[i] = state.get(at(entry, key_part_ + i));
  uint32_t link = bucket(key);
  for (uint32_t steps = 0; steps < layout_.most; ++steps) {
    uint32_t const other = entry_in(state.get(link));
    if (other == kNone) return;
    if (other == entry) return change(state, link, state.get(at(entry, next)));
    link = at(other, next);
  }
}

// --- the heap: the first to expire is at its top ---

uint32_t DynamicSet::first_to_expire(const StateWords& state) const noexcept {
  if (!layout_.timeouts || state.get(first_ + heap_size) == 0) return kNone;
  return entry_in(state.get(heap_) + 1);
}

void DynamicSet::put(uint32_t position, uint32_t entry, StateWords& state) const noexcept {
  change(state, heap_ + position, entry);
  change(state, at(entry, place_part), position + 1);
}

void DynamicSet::rise(uint32_t position, uint32_t entry, StateWords& state) const noexcept {
  uint64_t const when = expires(entry, state);
  while (position != 0) {
    uint32_t const parent = (position - 1) / 2;
    uint32_t const above = entry_in(state.get(heap_ + parent) + 1);
    if (above == kNone || expires(above, state) <= when) break;
    put(position, above, state);
    position = parent;
  }
  put(position, entry, state);
}

void DynamicSet::sink(uint32_t position, uint32_t entry, StateWords& state) const noexcept {
  uint64_t const when = expires(entry, state);
  auto const size = std::min<uint64_t>(state.get(first_ + heap_size), layout_.most);
  for (;;) {
    uint32_t child = 2 * position + 1;
    if (child >= size) break;
    uint32_t below = entry_in(state.get(heap_ + child) + 1);
    uint32_t const right = child + 1 < size ? entry_in(state.get(heap_ + child + 1) + 1) : kNone;
    if (below == kNone) break;
    if (right != kNone && expires(right, state) < expires(below, state)) {
      below = right;
      ++child;
    }
    if (expires(below, state) >= when) break;
    put(position, below, state);
    position = child;
  }
  put(position, entry, state);
}

void DynamicSet::leave_heap(uint32_t entry, StateWords& state) const noexcept {
  if (!layout_.timeouts) return;
  uint64_t const place = state.get(at(entry, place_part));
  uint64_t const size = state.get(first_ + heap_size);
  if (place == 0 || place > size || size > layout_.most) return;
  auto const position = static_cast<uint32_t>(place - 1), last = static_cast<uint32_t>(size - 1);
  uint32_t const moved = entry_in(state.get(heap_ + last) + 1);
  change(state, first_ + heap_size, last);
  change(state, at(entry, place_part), 0);
  if (moved == entry || moved == kNone) return;
  if (expires(moved, state) >= expires(entry, state)) sink(position, moved, state);
  else rise(position, moved, state);
}

uint32_t DynamicSet::changes_to_move() const noexcept {
  // Heap: its size, and two words for each level and for where the entry ends; the rest: link, list, count, body, expiry.
  uint32_t const levels = layout_.timeouts ? static_cast<uint32_t>(std::bit_width(layout_.most)) : 0;
  size_t lists = 0;
  for (const Body& one : bodies) lists = std::max(lists, one.lists.size());
  return 2 * levels + 10 + static_cast<uint32_t>(lists) * ConnectionLists::kChangesToGiveBack;
}

uint32_t DynamicSet::changes_to_enter() const noexcept {
  return 2 * changes_to_move() + key_words_ + data_words_ + state_words_ + 2;
}

// --- listing ---

std::vector<DynamicSet::Element> DynamicSet::elements(const StateWords& state, uint64_t now_ns) const {
  std::vector<Element> all;
  auto const ever = std::min<uint64_t>(state.get(first_ + ever_used), layout_.most);
  for (uint32_t entry = 0; entry < ever; ++entry) {
    uint64_t const body = state.get(at(entry, body_part));
    if (body == 0 || is_expired(entry, state, now_ns)) continue;
    Element& element = all.emplace_back();
    uint32_t word = at(entry, key_part_);
    for (size_t field = 0; field < layout_.key.size(); ++field)
      for (uint8_t i = 0; i < layout_.key[field]; ++i) element.key[field] = element.key[field] << 64 | state.get(word++);
    element.entry = entry;
    element.data = data(entry, state);
    element.timeout_ns = timeout(entry, state);
    element.expires_ns = expires(entry, state);
    element.body = static_cast<uint16_t>(std::min<uint64_t>((body & 0xffffffff) - 1, bodies.size() - 1));
    element.origin = static_cast<uint32_t>(body >> 32);
  }
  return all;
}

}  // namespace bulkhead::ruleset