#include "services/pktio/in/reassembly.h"

#include <sodium.h>

#include <algorithm>

#include "common/packet/ip_header.h"

namespace bulkhead::pktio {
namespace {

constexpr uint32_t kFarthest = 64;  // net.ipv4.ipfrag_max_dist

/// Bytes before the payload, link header included, without IPv6's fragment header.
uint32_t header_of(const packet::Fragment& says) { return says.payload_at - (says.key.l3 == 4 ? 0 : packet::ip_header::kFragment6); }

/// The header of the first fragment becomes that of the whole. `packet`: header and payload.
void mend_header4(std::span<uint8_t> packet, const Datagram& whole, uint32_t length) {
  store_be16(packet.data() + 2, static_cast<uint16_t>(length));
  store_be16(packet.data() + 6, whole.dont_fragment() ? 0x4000 : 0);
  packet[1] |= whole.congestion();
  packet::ip_header::renew_checksum(packet.first(packet::ip_header::length(packet[0])));
}

void mend_header6(std::span<uint8_t> packet, const Datagram& whole, uint32_t length) {
  store_be16(packet.data() + 4, static_cast<uint16_t>(length - packet::ip_header::kIpv6));
  packet[1] |= static_cast<uint8_t>(whole.congestion() << 4);
}

}  // namespace

/// Keyed by chance of this process: its order is never seen.
size_t Reassembly::KeyHash::operator()(const packet::FragmentKey& key) const noexcept {
  static const auto secret = [] {
    std::array<uint8_t, crypto_shorthash_KEYBYTES> made{};
    randombytes_buf(made.data(), made.size());
    return made;
  }();
  size_t hash = 0;
  crypto_shorthash(reinterpret_cast<uint8_t*>(&hash), reinterpret_cast<const uint8_t*>(&key), sizeof key, secret.data());
  return hash;
}

Reassembly::Reassembly(FragmentLinks& links, FragmentCells& cells)
    : links_(links), cells_(cells), capacity_(static_cast<uint32_t>(std::min<uint64_t>(cells.header.capacity, FragmentCells::kCells))) {}

void Reassembly::resume() {
  waiting_.clear();
  senders_.clear();
  turns_.clear();
  places_.clear();
  held_ = 0;
  for (auto place = static_cast<uint32_t>(links_.datagrams.size()); place-- > 0;) {
    if (links_.datagrams[place].first.load() == 0) places_.push_back(place);
    else recall(place);
  }
  committed();
}

void Reassembly::committed() { free_ = capacity_ - links_.fresh.load() + links_.free_count.load(); }

void Reassembly::recall(uint32_t place) {
  const FragmentLinks::Datagram& kept = links_.datagrams[place];
  uint32_t name = kept.first.load();
  StoredFragment const begun = stored(name);
  places_.push_back(place);
  Turn const turn{kept.since_ns.load() + Datagram::patience_ns(begun.says.key.l3), begun.packet, begun.in};
  Waiting& waiting = begin(begun.says.key, turn)->second;
  for (uint32_t const last = kept.last.load(); name != 0; name = next(name)) {
    StoredFragment const fragment = stored(name);
    static_cast<void>(waiting.datagram.add(fragment.says));
    waiting.cells += fragment.cells;
    held_ += fragment.cells;
    // A chain that waits ends with `last`: behind it stands what its last cell was linked to before.
    uint32_t end = name;
    for (uint32_t i = 1; i < fragment.cells; ++i) end = links_.next[end].load();
    if (end == last) break;
  }
  waiting.datagram.tell(kept.told.load());
  waiting.last = kept.turn.load();
  if (begun.says.key.l3 != 4) return;
  Sender& sender = senders_[begun.says.key.src];
  sender.fragments = std::max({sender.fragments, waiting.last, kept.sender.load()});
}

Reassembly::ByKey::iterator Reassembly::begin(const packet::FragmentKey& key, const Turn& turn) {
  turns_.emplace(turn, key);
  uint32_t const place = places_.back();
  places_.pop_back();
  if (key.l3 == 4) ++senders_[key.src].waiting;
  return waiting_.emplace(key, Waiting{{}, place, 0, turn}).first;
}

uint32_t Reassembly::end(ByKey::iterator waiting, memory::Batch& batch) {
  FragmentLinks::Datagram& kept = links_.datagrams[waiting->second.place];
  uint32_t const chain = kept.first.load();
  if (chain != 0) {
    batch.set(links_.next[kept.last.load()], 0U);
    batch.set(kept.first, 0U);
    batch.set(kept.last, 0U);
  }
  turns_.erase(waiting->second.turn);
  if (waiting->first.l3 == 4) forget(waiting->second, waiting->first, batch);
  held_ -= waiting->second.cells;
  places_.push_back(waiting->second.place);
  waiting_.erase(waiting);
  return chain;
}

bool Reassembly::fits(const Arrival& arrival) const {
  uint32_t const need = FragmentCells::cells_for(arrival.captured);
  return need <= free_ || held_ + need > held_most();
}

Reassembly::Taken Reassembly::take(const Coming& coming, memory::Batch& batch) {
  using Fate = Taken::Fate;
  if (coming.says.broken) return {Fate::dropped};
  uint32_t const need = FragmentCells::cells_for(coming.arrival.captured);
  auto waiting = waiting_.find(coming.says.key);
  uint32_t const of_it = waiting == waiting_.end() ? 0 : waiting->second.cells;
  if (held_ + need > held_most() || of_it + need > of_one_most()) return {Fate::full};
  if (waiting == waiting_.end())
    waiting = begin(coming.says.key, {coming.time_ns + Datagram::patience_ns(coming.says.key.l3), coming.arrival.packet, coming.in});
  if (coming.says.key.l3 == 4) count(waiting->second, coming.says.key, batch);
  Datagram::Outcome const outcome = waiting->second.datagram.add(coming.says);
  memory::Word<uint32_t>& told = links_.datagrams[waiting->second.place].told;
  if (told.load() != waiting->second.datagram.told()) batch.set(told, waiting->second.datagram.told());
  switch (outcome) {
    case Datagram::Outcome::held: keep(waiting->second, coming, batch); return {Fate::held};
    case Datagram::Outcome::whole: {
      keep(waiting->second, coming, batch);
      Datagram whole = std::move(waiting->second.datagram);
      uint32_t const chain = end(waiting, batch);
      return {Fate::whole, chain, std::move(whole)};
    }
    case Datagram::Outcome::duplicate: return {Fate::dropped};
    case Datagram::Outcome::refused:
      // The kernel would remember an end that a refused first fragment told, of a datagram that has nothing else.
      if (waiting->second.cells == 0) static_cast<void>(end(waiting, batch));
      return {Fate::dropped};
    case Datagram::Outcome::spoilt: return {Fate::dropped, end(waiting, batch)};
    case Datagram::Outcome::passes: return {Fate::passes, end(waiting, batch)};
  }
  return {Fate::dropped};
}

bool Reassembly::is_too_far(const packet::Fragment& says) const {
  auto const waiting = waiting_.find(says.key);
  if (says.key.l3 != 4 || says.broken || waiting == waiting_.end() || waiting->second.cells == 0) return false;
  return senders_.at(says.key.src).fragments + 1 - waiting->second.last > kFarthest;
}

uint32_t Reassembly::give_up(const packet::Fragment& says, memory::Batch& batch) {
  auto const waiting = waiting_.find(says.key);
  return waiting == waiting_.end() ? 0 : end(waiting, batch);
}

void Reassembly::count(Waiting& waiting, const packet::FragmentKey& key, memory::Batch& batch) {
  FragmentLinks::Datagram& kept = links_.datagrams[waiting.place];
  waiting.last = ++senders_[key.src].fragments;
  batch.set(kept.turn, waiting.last);
  batch.set(kept.sender, waiting.last);
}

/// If it was the last one that its sender had a fragment of, another has to remember how many there were.
void Reassembly::forget(const Waiting& waiting, const packet::FragmentKey& key, memory::Batch& batch) {
  auto const sender = senders_.find(key.src);
  if (--sender->second.waiting == 0) return void(senders_.erase(sender));
  if (waiting.last != sender->second.fragments) return;
  auto const other = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) {
    return one.first.l3 == 4 && one.first.src == key.src && one.second.place != waiting.place;
  });
  if (other != waiting_.end()) batch.set(links_.datagrams[other->second.place].sender, waiting.last);
}

void Reassembly::keep(Waiting& waiting, const Coming& coming, memory::Batch& batch) {
  uint32_t const cells = FragmentCells::cells_for(coming.arrival.captured);
  FragmentLinks::Datagram& kept = links_.datagrams[waiting.place];
  uint32_t first = 0, last = 0;
  for (uint32_t i = 0; i < cells; ++i) {
    uint32_t const cell = take_cell(batch);
    if (last == 0) first = cell;
    else batch.set(links_.next[last], cell);
    last = cell;
  }
  write(first, coming);
  if (kept.first.load() == 0) {
    batch.set(kept.since_ns, coming.time_ns);
    batch.set(kept.first, first);
  } else {
    batch.set(links_.next[kept.last.load()], first);
  }
  batch.set(kept.last, last);
  waiting.cells += cells;
  held_ += cells;
}

/// Those given back longest ago first: fits() has seen to it that they are committed.
uint32_t Reassembly::take_cell(memory::Batch& batch) {
  --free_;
  uint32_t const fresh = links_.fresh.load();
  if (fresh < capacity_) {
    batch.set(links_.fresh, fresh + 1);
    return fresh + 1;
  }
  uint32_t const cell = links_.free_first.load();
  batch.set(links_.free_first, links_.next[cell].load());
  batch.add(links_.free_count, ~0U);
  return cell;
}

void Reassembly::write(uint32_t first, const Coming& coming) {
  const Arrival& arrival = coming.arrival;
  StoredFragment const head{arrival.stamp_ns, arrival.packet, arrival.captured, arrival.wire,
                            FragmentCells::cells_for(arrival.captured), coming.in, coming.mark, coming.says};
  memory::copy_in(cells_.cell(first), &head, sizeof head);
  uint32_t name = first;
  size_t offset = sizeof head;
  for (size_t done = 0; done < arrival.captured;) {
    size_t const part = std::min<size_t>(arrival.captured - done, FragmentCells::kBytes - offset);
    memory::copy_in(cells_.cell(name) + offset, arrival.bytes + done, part);
    done += part;
    offset = 0;
    name = links_.next[name].load();
  }
}

std::optional<uint64_t> Reassembly::given_up_at() const {
  return turns_.empty() ? std::nullopt : std::optional(turns_.begin()->first.given_up_ns);
}

uint32_t Reassembly::give_up(memory::Batch& batch) {
  return turns_.empty() ? 0 : end(waiting_.find(turns_.begin()->second), batch);
}

uint32_t Reassembly::next(uint32_t name) const {
  for (uint32_t cells = stored(name).cells; cells > 1; --cells) name = links_.next[name].load();
  return links_.next[name].load();
}

StoredFragment Reassembly::stored(uint32_t name) const {
  StoredFragment head;
  memory::copy_out(&head, cells_.cell(name), sizeof head);
  return head;
}

void Reassembly::copy(uint32_t name, size_t from, std::span<uint8_t> to) const {
  size_t offset = sizeof(StoredFragment) + from;
  for (; offset >= FragmentCells::kBytes; offset -= FragmentCells::kBytes) name = links_.next[name].load();
  while (!to.empty()) {
    size_t const part = std::min(to.size(), FragmentCells::kBytes - offset);
    memory::copy_out(to.data(), cells_.cell(name) + offset, part);
    to = to.subspan(part);
    offset = 0;
    name = links_.next[name].load();
  }
}

/// The name of the first fragment by offset.
uint32_t Reassembly::front(const Taken& taken) const {
  uint32_t name = taken.chain;
  while (stored(name).says.offset != 0) name = next(name);
  return name;
}

size_t Reassembly::length_of(const Taken& taken) const { return header_of(stored(front(taken)).says) + taken.whole.payload(); }

Reassembly::Built Reassembly::build(const Taken& taken, std::span<uint8_t> to) const {
  uint32_t const first = this->front(taken), payload = taken.whole.payload();
  StoredFragment const front = stored(first);
  packet::Fragment const& says = front.says;
  uint32_t const header = header_of(says);
  copy(first, 0, to.first(header));
  if (says.key.l3 == 6) copy(first, says.payload_at - packet::ip_header::kFragment6, to.subspan(says.next_header_at, 1));
  uint32_t gap = payload;
  for (uint32_t name = taken.chain; name != 0; name = next(name)) {
    StoredFragment const one = stored(name);
    uint32_t const there = one.captured - std::min(one.captured, one.says.payload_at);
    uint32_t const wanted = Datagram::kept_of(one.says);
    copy(name, one.says.payload_at, to.subspan(header + one.says.offset, std::min(there, wanted)));
    if (there < wanted) gap = std::min(gap, one.says.offset + there);
  }
  auto const packet = to.subspan(says.l3_at, header - says.l3_at);
  auto const length = static_cast<uint32_t>(packet.size()) + payload;
  if (says.key.l3 == 4) mend_header4(packet, taken.whole, length);
  else mend_header6(packet, taken.whole, length);
  return {header + gap, says.l3_at + length, front.mark};
}

void Reassembly::give_back(uint32_t chain, memory::Batch& batch) {
  uint32_t last = chain, cells = 1;
  for (uint32_t name = links_.next[last].load(); name != 0; name = links_.next[name].load()) {
    last = name;
    ++cells;
  }
  if (links_.free_count.load() == 0) batch.set(links_.free_first, chain);
  else batch.set(links_.next[links_.free_last.load()], chain);
  batch.set(links_.free_last, last);
  batch.add(links_.free_count, cells);
}

}  // namespace bulkhead::pktio
