#include "ipc/memory/commit.h"

namespace bulkhead::memory {

Cursors CommitArea::cursors() const {
  const Record& record = records[generation.acquire() & 1];
  Cursors cursors;
  for (unsigned i = 0; i < chain::kMaxRings; ++i) {
    cursors.heads[i] = record.heads[i].load();
    cursors.tails[i] = record.tails[i].load();
  }
  return cursors;
}

bool CommitArea::snapshot(Cursors& into) const {
  for (int tries = 0; tries < 64; ++tries) {
    uint64_t const before = generation.acquire();
    into = cursors();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (generation.load() == before) return true;
  }
  return false;
}

Batch::Batch(CommitArea& area, Journal& journal, std::span<std::byte> state)
    : area_(area),
      journal_(journal),
      entries_(journal.entries()),
      state_(state),
      capacity_(journal.header.capacity) {}

Cursors Batch::recover() {
  generation_ = area_.generation.acquire();
  count_ = 0;
  Cursors const cursors = area_.cursors();
  undo();
  commit(cursors);
  return cursors;
}

void Batch::undo() {
  uint64_t const tail = journal_.tail.load();
  if (tail >> Journal::kCountBits != (number() << Journal::kCountBits) >> Journal::kCountBits) return;
  uint64_t count = tail & ((1U << Journal::kCountBits) - 1);
  if (count > capacity_) count = capacity_;
  while (count > 0) undo(entries_[--count]);
}

void Batch::undo(Journal::Entry& entry) {
  uint64_t const place = entry.place.load();
  uint64_t const old = entry.old.load();
  size_t const size = place >> 56;
  size_t const offset = place & ((uint64_t{1} << 56) - 1);
  if (offset < sizeof(ObjectHeader) || offset > state_.size() || size > state_.size() - offset || size == 0 ||
      offset % size != 0)
    return;
  std::byte* const word = state_.data() + offset;
  switch (size) {
    case 8: reinterpret_cast<Word<uint64_t>*>(word)->store(old); break;
    case 4: reinterpret_cast<Word<uint32_t>*>(word)->store(static_cast<uint32_t>(old)); break;
    case 2: reinterpret_cast<Word<uint16_t>*>(word)->store(static_cast<uint16_t>(old)); break;
    case 1: reinterpret_cast<Word<uint8_t>*>(word)->store(static_cast<uint8_t>(old)); break;
    default: break;
  }
  program_order();
}

void Batch::commit(const Cursors& cursors) noexcept {
  uint64_t const next = number();
  CommitArea::Record& spare = area_.records[next & 1];
  for (unsigned i = 0; i < chain::kMaxRings; ++i) {
    spare.heads[i].store(cursors.heads[i]);
    spare.tails[i].store(cursors.tails[i]);
  }
  area_.generation.release(next);
  if (simulate::mistaken(simulate::Mistake::commit_before_journal))
    journal_.tail.store(next << Journal::kCountBits | count_);
  generation_ = next;
  count_ = 0;
}

}  // namespace bulkhead::memory