// ipc/memory/commit.h: a batch of work is in shared memory whole, or it never happened.
//
// Who     one Batch a service, over the service's own commit area, journal and state object.
// Order   during a batch: set() writes the word's place and old value into the journal, then the journal's tail,
//         then the word. commit(): cursors into the spare one of two records, then the generation. That one
//         store is the commit. Only behind it the stage publishes tails and heads (ipc/chain/stage.h).
// Crash   generation G is the last batch that happened. The journal's tail is (batch, count): where batch is
//         G + 1, `count` entries hold what an unfinished batch changed; in any other case they are
//         history, so the store of the generation cuts the journal as well.
//         recover() undoes the entries, newest first, then commits an empty batch G + 1 over the same
//         cursors. Dying within recovery leaves the journal as it was, and undoing again does no harm;
//         the batch number of a dead batch is never used for another.
// Readers of other processes judge a record by its stamp, the number of the batch that last changed it:
//         stamp > generation: not committed, try later. stamp the same before and after copying: good.
//         Stamps are stored by touch(), never undone, so they only go forward: a record that was changed and
//         undone bears the dead batch's number, which recover() has made a committed one.
// Full    room() says how many more set() fit; a visit ends its batch before that, never within an item.
// Trust   the journal is read by its own service only. A successor still checks places and count.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ipc/chain/desk.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::memory {

struct Cursors {
  std::array<uint64_t, chain::kMaxRings> heads{};
  std::array<uint64_t, chain::kMaxRings> tails{};
};

struct CommitArea {
  static constexpr Layout kLayout = Layout::commit;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(CommitArea); }

  struct alignas(64) Record {
    std::array<Word<uint64_t>, chain::kMaxRings> heads;
    std::array<Word<uint64_t>, chain::kMaxRings> tails;
  };

  ObjectHeader header;
  alignas(64) Word<uint64_t> generation;  // the service writes; release
  Record records[2];                      // generation G's is records[G & 1]

  /// The cursors of the last committed batch. For the service itself; others may see a record in change.
  [[nodiscard]] Cursors cursors() const;
  /// The same for another process: none where the record changed under its eyes, again and again.
  [[nodiscard]] bool snapshot(Cursors& into) const;
};

struct Journal {
  static constexpr Layout kLayout = Layout::journal;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t entries) { return sizeof(Journal) + entries * sizeof(Entry); }
  static constexpr unsigned kCountBits = 24;

  struct Entry {
    Word<uint64_t> place;  // word's size (8 bits) << 56 | offset in the state object
    Word<uint64_t> old;
  };

  ObjectHeader header;              // capacity: entries, below 2^24
  alignas(64) Word<uint64_t> tail;  // batch << 24 | count

  [[nodiscard]] Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
};
static_assert(sizeof(Journal::Entry) == 16);

class Batch {
 public:
  /// `state`: the object whose words set() changes, header and all.
  Batch(CommitArea& area, Journal& journal, std::span<std::byte> state);

  /// What a service does first, be it the first or a successor. Gives the cursors to go on from.
  Cursors recover();

  /// Changes a word of the state object, so that it is undone unless commit() is reached. Needs room().
  template <class T>
  void set(Word<T>& word, T value) noexcept {
    if constexpr (!simulate::kJournaled) return word.store(value);
    if (simulate::mistaken(simulate::Mistake::store_before_journal)) {
      T const old = word.load();
      word.store(value);
      note(&word, sizeof(T), static_cast<uint64_t>(old));
      return;
    }
    note(&word, sizeof(T), static_cast<uint64_t>(word.load()));
    word.store(value);
    program_order();
  }
  template <class T>
  void add(Word<T>& word, T more) noexcept {
    set(word, static_cast<T>(word.load() + more));
  }

  /// Marks a record as being changed by this batch; before the record's first set().
  void touch(Word<uint64_t>& stamp) noexcept {
    if (stamp.load() == number()) return;
    stamp.store(number());
    std::atomic_thread_fence(std::memory_order_release);
  }

  /// Calls of set() that still fit.
  [[nodiscard]] size_t room() const noexcept { return capacity_ - count_; }
  /// Of the batch being made.
  [[nodiscard]] uint64_t number() const noexcept { return generation_ + 1; }
  [[nodiscard]] uint64_t generation() const noexcept { return generation_; }

  void commit(const Cursors& cursors) noexcept;

 private:
  void note(void* word, size_t size, uint64_t old) noexcept {
    uint64_t const offset = static_cast<uint64_t>(static_cast<std::byte*>(word) - state_.data());
    Journal::Entry& entry = entries_[count_];
    entry.place.store(static_cast<uint64_t>(size) << 56 | offset);
    entry.old.store(old);
    ++count_;
    program_order();
    if (simulate::mistaken(simulate::Mistake::commit_before_journal)) return;
    journal_.tail.store(number() << Journal::kCountBits | count_);
    program_order();
  }
  void undo();
  void undo(Journal::Entry& entry);

  CommitArea& area_;
  Journal& journal_;
  Journal::Entry* entries_;
  std::span<std::byte> state_;
  size_t capacity_;
  size_t count_ = 0;
  uint64_t generation_ = 0;
};

/// For readers in other processes: copies a record that bears a stamp. `copy` copies it; it may be run several
/// times and see a record in change. False: not committed, or changed each time: ask the owner.
template <class Copy>
[[nodiscard]] bool read_committed(const Word<uint64_t>& stamp, const Word<uint64_t>& generation, Copy copy) {
  for (int tries = 0; tries < 64; ++tries) {
    uint64_t const before = stamp.acquire();
    if (before > generation.acquire()) continue;
    copy();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (stamp.load() == before) return true;
  }
  return false;
}

}  // namespace bulkhead::memory