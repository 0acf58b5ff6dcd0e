// Rings: in order, never more than there is room for, whatever the neighbour writes.
#define BOOST_TEST_MODULE ring
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <thread>

#include "ipc/chain/desk.h"
#include "ipc/chain/ring.h"
#include "tests/simulation/world.h"
#include "tests/tools/packets.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSlots = 16;

struct Pair {
  control::Settings settings = small_settings(kSlots, 8, 8);
  Memory memory{settings};
  chain::Ring& ring = memory.as<chain::Ring>("ring.track");
  memory::Word<uint64_t>& head = memory.as<chain::Desk>("conntrack.desk").heads[0].value;
  chain::Outlet out{ring, head};
  chain::Inlet in{ring, head};

  void put(uint64_t number) {
    chain::Descriptor descriptor{};
    descriptor.number = number;
    descriptor.tuple.src_port = static_cast<uint16_t>(number);
    out.put(descriptor);
  }
  uint64_t take() {
    chain::Descriptor descriptor;
    in.get(descriptor);
    in.advance();
    BOOST_TEST(descriptor.tuple.src_port == static_cast<uint16_t>(descriptor.number));
    return descriptor.number;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_put_comes_out_in_order_across_the_wrap) {
  Pair pair;
  uint64_t next = 1, wanted = 1;
  for (uint64_t round = 0; round < 50; ++round) {
    uint64_t const count = 1 + round % kSlots;
    BOOST_REQUIRE(pair.out.room(count) >= count);
    for (uint64_t i = 0; i < count; ++i) pair.put(next++);
    pair.out.publish();
    BOOST_REQUIRE(pair.in.available() == count);
    for (uint64_t i = 0; i < count; ++i) BOOST_TEST(pair.take() == wanted++);
    pair.in.publish();
  }
}

BOOST_AUTO_TEST_CASE(slots_beyond_the_tail_are_not_there) {
  Pair pair;
  pair.put(1);
  BOOST_TEST(pair.in.available() == 0U);
  pair.out.publish();
  BOOST_TEST(pair.in.available() == 1U);
}

BOOST_AUTO_TEST_CASE(full_ring_has_room_again_once_the_head_is_told) {
  Pair pair;
  for (uint64_t i = 0; i < kSlots; ++i) {
    BOOST_REQUIRE(pair.out.room() != 0);
    pair.put(i);
  }
  pair.out.publish();
  BOOST_TEST(pair.out.room() == 0U);
  BOOST_TEST(pair.take() == 0U);
  BOOST_TEST(pair.out.room() == 0U);  // taken, but a death would give it back
  pair.in.publish();
  BOOST_TEST(pair.out.room() == 1U);
  BOOST_TEST(pair.out.corrupt() == 0U);
}

BOOST_AUTO_TEST_CASE(descriptors_are_seen_ahead_of_their_turn) {
  Pair pair;
  for (uint64_t i = 0; i < 3; ++i) pair.put(i + 10);
  pair.out.publish();
  chain::Descriptor descriptor;
  pair.in.get(descriptor, 2);
  BOOST_TEST(descriptor.number == 12U);
  BOOST_TEST(pair.take() == 10U);
}

BOOST_AUTO_TEST_CASE(tail_that_cannot_be_gives_nothing_and_is_counted) {
  Pair pair;
  pair.in.restore(100);
  uint64_t counted = 0;
  for (uint64_t tail : {uint64_t{99}, uint64_t{0}, 100 + kSlots + 1, std::numeric_limits<uint64_t>::max(),
                        uint64_t{1} << 63}) {
    pair.ring.tail.store(tail);
    BOOST_TEST(pair.in.available() == 0U);
    BOOST_TEST(pair.in.corrupt() == ++counted);
  }
  pair.ring.tail.store(100 + kSlots);
  BOOST_TEST(pair.in.available() == kSlots);
}

BOOST_AUTO_TEST_CASE(head_that_cannot_be_gives_no_room_and_is_counted) {
  Pair pair;
  pair.out.restore(100);
  uint64_t counted = 0;
  for (uint64_t head : {uint64_t{101}, 99 - kSlots, std::numeric_limits<uint64_t>::max(), uint64_t{1} << 63}) {
    pair.head.store(head);
    BOOST_TEST(pair.out.room() == 0U);
    BOOST_TEST(pair.out.corrupt() == ++counted);
  }
  pair.head.store(100 - kSlots);
  BOOST_TEST(pair.out.room() == 0U);
  pair.head.store(100);
  BOOST_TEST(pair.out.room(kSlots) == kSlots);
}

BOOST_AUTO_TEST_CASE(room_is_never_more_than_the_slots_whatever_the_head_does) {
  Pair pair;
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    pair.head.store(pair.out.tail() + random.below(80) - 40);
    uint64_t const room = pair.out.room(1 + random.below(kSlots));
    BOOST_REQUIRE(room <= kSlots);
    if (room != 0) pair.put(0);
  }
}

BOOST_AUTO_TEST_CASE(positions_wrap_at_the_end_of_their_numbers) {
  Pair pair;
  uint64_t const start = std::numeric_limits<uint64_t>::max() - 3;
  pair.out.restore(start);
  pair.out.publish();
  pair.in.restore(start);
  pair.in.publish();
  BOOST_REQUIRE(pair.out.room(10) == kSlots);
  for (uint64_t i = 0; i < 10; ++i) pair.put(i);
  pair.out.publish();
  BOOST_REQUIRE(pair.in.available() == 10U);
  for (uint64_t i = 0; i < 10; ++i) BOOST_TEST(pair.take() == i);
  pair.in.publish();
  BOOST_TEST(pair.out.room(kSlots) == kSlots);
}

BOOST_AUTO_TEST_CASE(a_million_descriptors_pass_between_two_threads) {
  constexpr uint64_t count = 1'000'000;
  Pair pair;
  std::thread producer([&] {
    for (uint64_t sent = 0; sent < count;) {
      uint64_t const room = std::min(pair.out.room(), count - sent);
      if (room == 0) std::this_thread::yield();
      for (uint64_t i = 0; i < room; ++i) pair.put(sent++);
      pair.out.publish();
    }
  });
  uint64_t wrong = 0;
  for (uint64_t seen = 0; seen < count;) {
    uint64_t const there = pair.in.available();
    if (there == 0) std::this_thread::yield();
    for (uint64_t i = 0; i < there; ++i) {
      chain::Descriptor descriptor;
      pair.in.get(descriptor);
      pair.in.advance();
      wrong += descriptor.number != seen++;
    }
    pair.in.publish();
  }
  producer.join();
  BOOST_TEST(wrong == 0U);
  BOOST_TEST(pair.in.corrupt() + pair.out.corrupt() == 0U);
}
