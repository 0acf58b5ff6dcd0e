// cancel(): when it returns the kernel has let go, and nothing is lost, doubled or called.
#define BOOST_TEST_MODULE cancel
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ipc/runtime/loop.h"
#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

std::array<std::byte, 8> const kWord{std::byte{'b'}, std::byte{'u'}, std::byte{'l'}, std::byte{'k'}};

}  // namespace

BOOST_AUTO_TEST_CASE(cancelled_read_leaves_its_buffer_alone) {
  auto loop = make_loop();
  Pipe pipe;
  std::array<std::byte, 8> buffer{};
  runtime::Operation read(*loop, [](int) { BOOST_ERROR("called"); });
  read.read(pipe.out, buffer, runtime::kNoOffset);
  loop->run_ready();
  BOOST_TEST(read.cancel() == -ECANCELED);
  BOOST_REQUIRE(::write(pipe.in, kWord.data(), kWord.size()) == 8);
  loop->wait_for(5 * kMillisecond);
  BOOST_TEST((buffer == std::array<std::byte, 8>{}));
  BOOST_TEST(::read(pipe.out, buffer.data(), buffer.size()) == 8);
}

BOOST_AUTO_TEST_CASE(cancelled_read_tells_what_it_had_read) {
  auto loop = make_loop();
  Pipe pipe;
  BOOST_REQUIRE(::write(pipe.in, kWord.data(), kWord.size()) == 8);
  std::array<std::byte, 8> buffer{};
  runtime::Operation read(*loop, [](int) { BOOST_ERROR("called"); });
  read.read(pipe.out, buffer, runtime::kNoOffset);
  loop->run_ready();
  BOOST_TEST(read.cancel() == 8);
  BOOST_TEST((buffer == kWord));
}

BOOST_AUTO_TEST_CASE(request_that_was_never_submitted_can_be_cancelled) {
  auto loop = make_loop();
  Pipe pipe;
  std::array<std::byte, 8> buffer{};
  runtime::Operation read(*loop, [](int) { BOOST_ERROR("called"); });
  read.read(pipe.out, buffer, runtime::kNoOffset);
  BOOST_TEST(read.cancel() == -ECANCELED);
  BOOST_TEST(loop->in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(callback_may_cancel_what_completed_together_with_it) {
  auto loop = make_loop();
  Pipe pipe;
  std::optional<runtime::Operation> other;
  int called = 0;
  runtime::Operation first(*loop, [&](int) {
    ++called;
    other->cancel();
  });
  other.emplace(*loop, [&](int) {
    ++called;
    first.cancel();
  });
  first.poll(pipe.in, POLLOUT);
  other->poll(pipe.in, POLLOUT);
  loop->run_ready();
  loop->run_ready();
  loop->wait_for(5 * kMillisecond);
  BOOST_TEST(called == 1);
}

BOOST_AUTO_TEST_CASE(callback_may_destroy_its_own_operation_and_keep_its_captures) {
  auto loop = make_loop();
  Pipe pipe;
  auto text = std::make_shared<std::string>("still here");
  std::string seen;
  std::unique_ptr<runtime::Operation> operation;
  operation = std::make_unique<runtime::Operation>(*loop, [&operation, &seen, text](int) {
    operation.reset();
    seen = *text;
  });
  operation->poll_many(pipe.in, POLLOUT);
  run_until(*loop, [&] { return !seen.empty(); });
  BOOST_TEST(seen == "still here");
  BOOST_TEST(text.use_count() == 1);
  BOOST_TEST(loop->in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(completions_that_come_while_cancel_waits_are_not_lost) {
  auto loop = make_loop();
  Pipe ready, quiet;
  std::array<std::byte, 8> buffer{};
  std::string order;
  std::vector<std::unique_ptr<runtime::Operation>> polls;
  for (char name : {'a', 'b', 'c'}) {
    polls.push_back(std::make_unique<runtime::Operation>(*loop, [&order, name](int) { order += name; }));
    polls.back()->poll(ready.in, POLLOUT);
  }
  {
    runtime::Operation read(*loop, [](int) { BOOST_ERROR("called"); });
    read.read(quiet.out, buffer, runtime::kNoOffset);
  }
  loop->run_ready();
  BOOST_TEST(order == "abc");
}

BOOST_AUTO_TEST_CASE(cancelled_accept_closes_the_connection_it_had_taken) {
  auto loop = make_loop();
  int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{AF_UNIX, {}};
  BOOST_REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);
  BOOST_REQUIRE(::listen(listener, 1) == 0);
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  BOOST_REQUIRE(::connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0);
  {
    runtime::Operation accept(*loop, [](int) { BOOST_ERROR("called"); });
    accept.accept(listener);
    loop->run_ready();
  }
  char byte = 0;
  BOOST_TEST(::recv(client, &byte, 1, MSG_DONTWAIT) == 0);
  ::close(client);
  ::close(listener);
}

BOOST_AUTO_TEST_CASE(cancel_that_races_with_a_writer_neither_loses_nor_doubles_bytes) {
  auto loop = make_loop();
  SocketPair pair(SOCK_STREAM);
  constexpr uint32_t count = 20'000;
  std::thread writer([&] {
    for (uint32_t i = 0; i < count; ++i) {
      auto byte = static_cast<char>(i);
      while (::send(pair.left, &byte, 1, 0) != 1) {
      }
      if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));  // let it run dry
    }
  });
  std::array<std::byte, 4> buffer{};
  uint32_t got = 0, wrong = 0, cancelled = 0;
  auto take = [&](int n) {
    for (int i = 0; i < n; ++i)
      wrong += std::to_integer<uint8_t>(buffer[static_cast<size_t>(i)]) != (got++ & 255U);
  };
  runtime::Operation read(*loop, take);
  uint32_t round = 0;
  while (got < count) {
    if (!read.busy()) read.receive(pair.right, buffer);
    uint32_t const spins = round++ % 5;
    for (uint32_t spin = 0; spin < spins; ++spin) loop->run_ready();
    if (!read.busy()) continue;
    int n = read.cancel();
    if (n > 0) take(n);
    cancelled += n == -ECANCELED;
  }
  writer.join();
  BOOST_TEST(got == count);
  BOOST_TEST(wrong == 0U);
  BOOST_TEST(cancelled > 0U);
  BOOST_TEST(loop->in_flight() == 0U);
}
