// Commit and journal: a batch is there whole, or it never was.
#define BOOST_TEST_MODULE commit
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "ipc/memory/commit.h"

using namespace bulkhead;

namespace {

struct State {
  memory::ObjectHeader header;
  memory::Word<uint64_t> eight, other;
  memory::Word<uint32_t> four;
  memory::Word<uint16_t> two;
  memory::Word<uint8_t> one, guard;
  memory::Word<uint64_t> stamp;
};

constexpr size_t kEntries = 16;

/// What survives a process: State, commit area and a small journal, with canaries around the state.
struct Shared {
  struct Room {
    std::array<uint64_t, 8> before;
    State state;
    std::array<uint64_t, 8> after;
  };
  static constexpr uint64_t kCanary = 0xc0ffee;

  Shared() {
    room.before.fill(kCanary);
    room.after.fill(kCanary);
    memory::make_object<memory::Journal>(journal_bytes(), kEntries);
  }
  std::span<std::byte> journal_bytes() { return std::as_writable_bytes(std::span(journal_memory)); }
  std::span<std::byte> state_bytes() { return {reinterpret_cast<std::byte*>(&room.state), sizeof(State)}; }
  memory::Journal& journal() { return *reinterpret_cast<memory::Journal*>(journal_bytes().data()); }
  State& state() { return room.state; }
  [[nodiscard]] bool canaries_live() const {
    for (size_t i = 0; i < 8; ++i)
      if (room.before[i] != kCanary || room.after[i] != kCanary) return false;
    return true;
  }

  memory::CommitArea area{};
  struct alignas(64) Line {
    std::array<uint64_t, 8> words;
  };
  std::array<Line, (memory::Journal::bytes_for(kEntries) + 63) / 64> journal_memory{};
  Room room{};
};

/// A process: recovers, and is forgotten when it goes out of scope, committed or not.
struct Process {
  explicit Process(Shared& shared) : batch(shared.area, shared.journal(), shared.state_bytes()) {
    cursors = batch.recover();
  }
  memory::Batch batch;
  memory::Cursors cursors;
};

void forge(Shared& shared, uint64_t index, uint64_t size, uint64_t offset, uint64_t old) {
  memory::Journal::Entry& entry = shared.journal().entries()[index];
  entry.place.store(size << 56 | offset);
  entry.old.store(old);
}

void forge_tail(Shared& shared, uint64_t count) {
  shared.journal().tail.store((shared.area.generation.load() + 1) << memory::Journal::kCountBits | count);
}

}  // namespace

BOOST_AUTO_TEST_CASE(unfinished_batch_is_undone_newest_first) {
  Shared shared;
  {
    Process process(shared);
    process.batch.set(shared.state().eight, uint64_t{1});
    process.batch.commit({});
    process.batch.set(shared.state().eight, uint64_t{2});
    process.batch.set(shared.state().eight, uint64_t{3});
    process.batch.add(shared.state().eight, uint64_t{4});
    BOOST_TEST(shared.state().eight.load() == 7U);
  }
  Process successor(shared);
  BOOST_TEST(shared.state().eight.load() == 1U);
}

BOOST_AUTO_TEST_CASE(committed_batch_stays_with_its_cursors) {
  Shared shared;
  memory::Cursors cursors;
  cursors.heads = {1, 2, 3, 4};
  cursors.tails = {5, 6, 7, 8};
  {
    Process process(shared);
    process.batch.set(shared.state().eight, uint64_t{9});
    process.batch.commit(cursors);
  }
  Process successor(shared);
  BOOST_TEST(shared.state().eight.load() == 9U);
  BOOST_TEST(successor.cursors.heads == cursors.heads);
  BOOST_TEST(successor.cursors.tails == cursors.tails);
  Process next(shared);
  BOOST_TEST(next.cursors.heads == cursors.heads);
}

BOOST_AUTO_TEST_CASE(spare_record_of_a_dead_batch_is_not_read) {
  Shared shared;
  memory::Cursors cursors;
  cursors.heads = {1, 1, 1, 1};
  {
    Process process(shared);
    process.batch.commit(cursors);
    auto& spare = shared.area.records[process.batch.number() & 1];
    spare.heads[0].store(77);
    spare.tails[2].store(77);
  }
  Process successor(shared);
  BOOST_TEST(successor.cursors.heads == cursors.heads);
  BOOST_TEST(successor.cursors.tails == memory::Cursors{}.tails);
}

BOOST_AUTO_TEST_CASE(words_of_every_size_come_back) {
  Shared shared;
  State& state = shared.state();
  state.eight.store(0x1122334455667788);
  state.four.store(0x99aabbcc);
  state.two.store(0xddee);
  state.one.store(0xff);
  state.guard.store(0x5a);
  {
    Process process(shared);
    process.batch.set(state.one, uint8_t{1});
    process.batch.set(state.two, uint16_t{2});
    process.batch.set(state.four, 3U);
    process.batch.set(state.eight, uint64_t{4});
  }
  Process successor(shared);
  BOOST_TEST(state.eight.load() == 0x1122334455667788U);
  BOOST_TEST(state.four.load() == 0x99aabbccU);
  BOOST_TEST(state.two.load() == 0xddeeU);
  BOOST_TEST(state.one.load() == 0xffU);
  BOOST_TEST(state.guard.load() == 0x5aU);
}

BOOST_AUTO_TEST_CASE(number_of_a_dead_batch_is_not_used_again) {
  Shared shared;
  uint64_t last = 0;
  for (int life = 0; life < 20; ++life) {
    Process process(shared);
    BOOST_TEST(process.batch.number() > last);
    if (life % 3 == 0) process.batch.commit({});
    last = process.batch.number();
    process.batch.set(shared.state().eight, uint64_t{1});
  }
}

BOOST_AUTO_TEST_CASE(dying_again_before_the_recovery_commits_does_no_harm) {
  Shared shared;
  {
    Process process(shared);
    for (uint64_t i = 1; i <= 5; ++i) process.batch.set(shared.state().eight, i);
  }
  uint64_t const generation = shared.area.generation.load();
  for (int deaths = 0; deaths < 3; ++deaths) {
    Process successor(shared);
    BOOST_TEST(shared.state().eight.load() == 0U);
    shared.area.generation.store(generation);  // as it is between undo and commit
  }
}

BOOST_AUTO_TEST_CASE(journal_of_a_committed_batch_is_history) {
  Shared shared;
  {
    Process process(shared);
    process.batch.set(shared.state().eight, uint64_t{1});
    process.batch.commit({});
  }
  for (int lives = 0; lives < 3; ++lives) Process successor(shared);
  BOOST_TEST(shared.state().eight.load() == 1U);
}

BOOST_AUTO_TEST_CASE(journal_is_full_to_the_last_entry_and_empty_after_the_commit) {
  Shared shared;
  {
    Process process(shared);
    for (size_t left = kEntries; left != 0; --left) {
      BOOST_TEST(process.batch.room() == left);
      process.batch.add(shared.state().eight, uint64_t{1});
    }
    BOOST_TEST(process.batch.room() == 0U);
    process.batch.commit({});
    BOOST_TEST(process.batch.room() == kEntries);
    for (size_t i = 0; i < kEntries; ++i) process.batch.add(shared.state().eight, uint64_t{1});
  }
  Process successor(shared);
  BOOST_TEST(shared.state().eight.load() == kEntries);
  BOOST_TEST(shared.canaries_live());
}

BOOST_AUTO_TEST_CASE(places_that_cannot_be_are_passed_over) {
  struct Place {
    uint64_t size, offset;
  };
  constexpr uint64_t end = sizeof(State);
  constexpr Place bad[] = {{8, 0},       {8, sizeof(memory::ObjectHeader) - 8}, {8, end},        {8, end - 4}, {4, end},
                           {1, end},     {8, end + 64},                 {8, (1ULL << 56) - 8}, {0, 64}, {3, 66},
                           {16, 64},     {255, 64},                     {8, 68},         {4, 66},      {2, 65}};
  for (const Place& place : bad) {
    Shared shared;
    { Process process(shared); }
    State const& state = shared.state();
    auto const before = std::vector<std::byte>(shared.state_bytes().begin(), shared.state_bytes().end());
    forge(shared, 0, place.size, place.offset, ~uint64_t{0});
    forge_tail(shared, 1);
    Process successor(shared);
    BOOST_TEST(std::memcmp(&state, before.data(), before.size()) == 0, "size " << place.size << " at "
                                                                               << place.offset);
    BOOST_TEST(shared.canaries_live());
  }
}

BOOST_AUTO_TEST_CASE(count_beyond_the_journal_is_cut_to_it) {
  Shared shared;
  { Process process(shared); }
  for (uint64_t i = 0; i < kEntries; ++i) forge(shared, i, 8, offsetof(State, eight), i + 1);
  forge_tail(shared, (1U << memory::Journal::kCountBits) - 1);
  Process successor(shared);
  BOOST_TEST(shared.state().eight.load() == 1U);
  BOOST_TEST(shared.canaries_live());
}

BOOST_AUTO_TEST_CASE(stamp_of_an_undone_record_is_a_committed_number) {
  Shared shared;
  {
    Process process(shared);
    process.batch.touch(shared.state().stamp);
    process.batch.set(shared.state().eight, uint64_t{5});
  }
  uint64_t seen = 99;
  BOOST_TEST(!memory::read_committed(shared.state().stamp, shared.area.generation, [&] { seen = 0; }));
  BOOST_TEST(seen == 99U);  // nobody looked at what is not committed
  Process successor(shared);
  BOOST_TEST(memory::read_committed(shared.state().stamp, shared.area.generation,
                            [&] { seen = shared.state().eight.load(); }));
  BOOST_TEST(seen == 0U);
}

BOOST_AUTO_TEST_CASE(reader_in_another_thread_sees_whole_batches_only) {
  Shared shared;
  Process process(shared);
  State& state = shared.state();
  std::atomic<bool> over{false};
  std::atomic<uint64_t> good{0};
  uint64_t torn = 0, backwards = 0, last = 0, looks = 0;
  std::thread reader([&] {
    while (!over.load()) {
      uint64_t eight = 0, other = 0;
      bool const read = memory::read_committed(state.stamp, shared.area.generation, [&] {
        eight = state.eight.load();
        if (++looks % 8 == 0) std::this_thread::yield();
        other = state.other.load();
      });
      if (!read) continue;
      ++good;
      torn += other != eight * 3;
      backwards += eight < last;
      last = eight;
    }
  });
  for (uint64_t i = 1; i <= 50'000 || good == 0; ++i) {
    process.batch.touch(state.stamp);
    process.batch.set(state.eight, i);
    if (i % 64 == 0) std::this_thread::yield();
    process.batch.set(state.other, i * 3);
    if (i % 7 == 0) {  // a death, and a successor
      static_cast<void>(process.batch.recover());
    } else {
      process.batch.commit({});
    }
    if (i % 32 == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  over = true;
  reader.join();
  BOOST_TEST(torn == 0U);
  BOOST_TEST(backwards == 0U);
  BOOST_TEST(good != 0U);
}

BOOST_AUTO_TEST_CASE(cursors_are_seen_whole_from_another_thread) {
  Shared shared;
  Process process(shared);
  std::atomic<bool> over{false};
  std::atomic<uint64_t> good{0};
  uint64_t torn = 0;
  std::thread reader([&] {
    while (!over.load()) {
      memory::Cursors cursors;
      if (!shared.area.snapshot(cursors)) continue;
      ++good;
      for (uint64_t value : cursors.tails) torn += value != cursors.heads[0];
    }
  });
  for (uint64_t i = 1; i <= 50'000 || good == 0; ++i) {
    memory::Cursors cursors;
    cursors.heads.fill(i);
    cursors.tails.fill(i);
    process.batch.commit(cursors);
    if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  over = true;
  reader.join();
  BOOST_TEST(torn == 0U);
}
