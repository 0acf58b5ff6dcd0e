// Doorbells between processes: heard whenever they are rung, at least once, whatever a neighbour does.
#define BOOST_TEST_MODULE doorbell
#include <poll.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "ipc/runtime/loop.h"
#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

std::array<std::byte, 8> const kWord{};

}  // namespace

BOOST_AUTO_TEST_CASE(bell_rung_before_start_is_heard) {
  auto loop = make_loop();
  Bell bell;
  runtime::ring_bell(bell.fd);
  int heard = 0;
  runtime::Doorbell doorbell(*loop, bell.fd, [&] { ++heard; });
  BOOST_REQUIRE(doorbell.start());
  loop->wait_for(kLong);
  BOOST_TEST(heard == 1);
}

BOOST_AUTO_TEST_CASE(bell_rung_while_asleep_wakes_the_sleeper) {
  auto loop = make_loop();
  Bell bell;
  int heard = 0;
  runtime::Doorbell doorbell(*loop, bell.fd, [&] { ++heard; });
  BOOST_REQUIRE(doorbell.start());
  std::thread neighbour([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    runtime::ring_bell(bell.fd);
  });
  loop->wait_for(kLong);
  neighbour.join();
  BOOST_TEST(heard == 1);
}

BOOST_AUTO_TEST_CASE(bell_rung_between_two_looks_is_never_lost) {
  auto loop = make_loop();
  Bell bell;
  runtime::Doorbell doorbell(*loop, bell.fd, [] {});
  BOOST_REQUIRE(doorbell.start());
  constexpr uint32_t rounds = 20'000;
  std::atomic<uint32_t> sent{0}, seen{0};
  std::thread neighbour([&] {
    for (uint32_t i = 1; i <= rounds; ++i) {
      sent.store(i, std::memory_order_release);
      runtime::ring_bell(bell.fd);
      while (seen.load(std::memory_order_acquire) != i) std::this_thread::yield();
    }
  });
  uint32_t lost = 0;
  for (uint32_t i = 1; i <= rounds; ++i) {
    for (uint32_t spin = 0; spin < i % 50; ++spin) loop->run_ready();
    while (sent.load(std::memory_order_acquire) != i) {
      if (loop->wait_for(kLong) == 0) ++lost;
    }
    seen.store(i, std::memory_order_release);
  }
  neighbour.join();
  BOOST_TEST(lost == 0U);
}

BOOST_AUTO_TEST_CASE(bell_whose_counter_a_neighbour_filled_still_wakes) {
  auto loop = make_loop();
  Bell bell;
  int heard = 0;
  runtime::Doorbell doorbell(*loop, bell.fd, [&] { ++heard; });
  BOOST_REQUIRE(doorbell.start());
  loop->run_ready();
  uint64_t full = ~uint64_t{0} - 1;
  BOOST_REQUIRE(::write(bell.fd, &full, sizeof full) == sizeof full);
  runtime::ring_bell(bell.fd);
  loop->wait_for(kLong);
  BOOST_TEST(heard == 1);
  runtime::ring_bell(bell.fd);
  loop->wait_for(kLong);
  BOOST_TEST(heard == 2);
}

BOOST_AUTO_TEST_CASE(eventfd_that_could_block_its_ringers_is_not_taken) {
  auto loop = make_loop();
  int blocking = ::eventfd(0, 0);
  runtime::Doorbell doorbell(*loop, blocking, [] {});
  auto started = doorbell.start();
  BOOST_REQUIRE(!started);
  BOOST_TEST(started.error().message.find("EFD_NONBLOCK") != std::string::npos);
  ::close(blocking);
}

BOOST_AUTO_TEST_CASE(poll_that_the_kernel_ends_for_want_of_room_goes_on) {
  auto loop = make_loop(1);  // two places for completions
  Bell bell;
  int polled = 0;
  runtime::Operation poll(*loop, [&](int) { ++polled; });
  poll.poll_many(bell.fd, POLLIN);
  loop->run_ready();
  int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (int round = 1; round <= 3; ++round) {
    std::vector<std::unique_ptr<runtime::Operation>> fillers;
    int filled = 0;
    for (int i = 0; i < 6; ++i) {
      auto& filler = *fillers.emplace_back(std::make_unique<runtime::Operation>(*loop, [&](int) { ++filled; }));
      filler.write(null, kWord, runtime::kNoOffset);
    }
    loop->run_ready();
    int before = polled;
    runtime::ring_bell(bell.fd);  // its completion finds no place
    run_until(*loop, [&] { return filled == 6 && polled > before; });
    BOOST_TEST(filled == 6);
    BOOST_TEST(polled > before);
    BOOST_TEST(poll.busy());
  }
  ::close(null);
}

BOOST_AUTO_TEST_CASE(completion_reaches_a_loop_that_never_sleeps) {
  auto loop = make_loop();
  Bell bell;
  int heard = 0;
  runtime::Doorbell doorbell(*loop, bell.fd, [&] { ++heard; });
  BOOST_REQUIRE(doorbell.start());
  loop->run_ready();
  std::thread neighbour([&] { runtime::ring_bell(bell.fd); });
  for (uint64_t end = runtime::Loop::now_ns() + kLong; heard == 0 && runtime::Loop::now_ns() < end;) loop->run_ready();
  neighbour.join();
  BOOST_TEST(heard == 1);
}
