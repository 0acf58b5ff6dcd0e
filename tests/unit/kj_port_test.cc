// KJ streams and timers on the loop.
#define BOOST_TEST_MODULE kj_port
#include "ipc/runtime/kj_port.h"

#include <sys/un.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "ipc/runtime/rpc.h"
#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

std::unique_ptr<runtime::ControlLoop> make_control() {
  auto control = runtime::ControlLoop::create(32);
  if (!control) std::abort();
  return std::move(*control);
}

struct Streams {
  Streams() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
    left = runtime::make_stream(control->loop(), kj::AutoCloseFd(ends[0]));
    right = runtime::make_stream(control->loop(), kj::AutoCloseFd(ends[1]));
  }
  kj::WaitScope& scope() { return control->wait_scope(); }

  std::unique_ptr<runtime::ControlLoop> control = make_control();
  kj::Own<kj::AsyncIoStream> left, right;
};

std::string temporary_path() {
  char directory[] = "/tmp/bulkhead_kj_XXXXXX";
  if (::mkdtemp(directory) == nullptr) std::abort();
  return std::string(directory) + "/socket";
}

void remove_path(std::string const& path) {
  ::unlink(path.c_str());
  ::rmdir(path.substr(0, path.rfind('/')).c_str());
}

}  // namespace

BOOST_AUTO_TEST_CASE(megabytes_in_thousands_of_pieces_arrive_in_order) {
  Streams s;
  std::vector<kj::byte> bytes(4 << 20);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<kj::byte>(i * 2654435761U >> 13);
  std::vector<kj::ArrayPtr<kj::byte const>> pieces;
  for (size_t at = 0, size = 0; at < bytes.size(); at += size) {
    size = std::min<size_t>(bytes.size() - at, pieces.size() % 1500);  // empty ones too
    pieces.emplace_back(&bytes[at], size);
  }
  BOOST_TEST(pieces.size() > 2 * 1024U);
  auto written = s.left->write(kj::arrayPtr(pieces.data(), pieces.size()));
  std::vector<kj::byte> read(bytes.size());
  BOOST_TEST(s.right->read(read.data(), read.size(), read.size()).wait(s.scope()) == read.size());
  written.wait(s.scope());
  BOOST_TEST((read == bytes));
}

BOOST_AUTO_TEST_CASE(read_gives_what_is_there_once_the_least_is_there) {
  Streams s;
  std::array<char, 16> buffer{};
  auto read = s.right->tryRead(buffer.data(), 4, buffer.size());
  s.left->write("ab", 2).wait(s.scope());
  BOOST_TEST(!read.poll(s.scope()));
  s.left->write("cde", 3).wait(s.scope());
  BOOST_TEST(read.wait(s.scope()) == 5U);
  BOOST_TEST(std::string(buffer.data(), 5) == "abcde");
}

BOOST_AUTO_TEST_CASE(end_of_stream_cuts_a_read_short) {
  Streams s;
  std::array<char, 16> buffer{};
  s.left->write("ab", 2).wait(s.scope());
  s.left->shutdownWrite();
  BOOST_TEST(s.right->tryRead(buffer.data(), 4, buffer.size()).wait(s.scope()) == 2U);
  BOOST_TEST(s.right->tryRead(buffer.data(), 1, buffer.size()).wait(s.scope()) == 0U);
}

BOOST_AUTO_TEST_CASE(dropped_read_leaves_its_buffer_alone) {
  Streams s;
  std::array<char, 8> buffer{};
  {
    auto read = s.right->tryRead(buffer.data(), 1, buffer.size());
    BOOST_TEST(!read.poll(s.scope()));
  }
  BOOST_TEST(s.control->loop().in_flight() == 0U);
  s.left->write("late", 4).wait(s.scope());
  s.control->loop().wait_for(5 * kMillisecond);
  BOOST_TEST((buffer == std::array<char, 8>{}));
  BOOST_TEST(s.right->tryRead(buffer.data(), 4, buffer.size()).wait(s.scope()) == 4U);
}

BOOST_AUTO_TEST_CASE(dropped_write_lets_go_of_its_bytes) {
  Streams s;
  {
    std::vector<char> much(8 << 20, 'x');
    auto write = s.left->write(much.data(), much.size());
    BOOST_TEST(!write.poll(s.scope()));
  }
  BOOST_TEST(s.control->loop().in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(write_to_a_peer_that_is_gone_says_disconnected) {
  Streams s;
  s.right = nullptr;
  KJ_IF_MAYBE (error, kj::runCatchingExceptions([&] { s.left->write("x", 1).wait(s.scope()); })) {
    BOOST_TEST((error->getType() == kj::Exception::Type::DISCONNECTED));
  } else {
    BOOST_ERROR("no exception");
  }
}

BOOST_AUTO_TEST_CASE(peer_that_only_stops_writing_is_not_write_disconnected) {
  Streams s;
  auto first = s.left->whenWriteDisconnected();
  auto second = s.left->whenWriteDisconnected();
  s.right->shutdownWrite();
  BOOST_TEST(!first.poll(s.scope()));
  BOOST_TEST(s.control->loop().wait_for(5 * kMillisecond) == 1U);  // the half close
  BOOST_TEST(!first.poll(s.scope()));
  BOOST_TEST(s.control->loop().wait_for(5 * kMillisecond) == 0U);  // and the loop does not spin on it
  s.right = nullptr;
  first.wait(s.scope());
  second.wait(s.scope());
}

BOOST_AUTO_TEST_CASE(listener_replaces_a_dead_socket_and_not_a_live_one) {
  auto control = make_control();
  std::string path = temporary_path();
  {
    auto first = runtime::listen_unix(path);
    BOOST_REQUIRE(first);
    struct stat status {};
    ::stat(path.c_str(), &status);
    BOOST_TEST((status.st_mode & 0777) == 0600U);
    auto second = runtime::listen_unix(path);
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().message.find(path) != std::string::npos);
  }
  auto third = runtime::listen_unix(path, 0660);
  BOOST_REQUIRE(third);
  auto accepted = runtime::accept_one(control->loop(), third->get());
  auto client = runtime::connect_unix(control->loop(), path).wait(control->wait_scope());
  auto server = runtime::make_stream(control->loop(), accepted.wait(control->wait_scope()));
  client->write("hi", 2).wait(control->wait_scope());
  std::array<char, 2> buffer{};
  server->read(buffer.data(), 2).wait(control->wait_scope());
  BOOST_TEST(buffer[1] == 'i');
  remove_path(path);
}

BOOST_AUTO_TEST_CASE(connecting_to_nobody_fails_with_the_path) {
  auto control = make_control();
  auto nobody = control->await(runtime::connect_unix(control->loop(), "/tmp/bulkhead/no/such/socket"));
  BOOST_REQUIRE(!nobody);
  BOOST_TEST(nobody.error().message.find("/tmp/bulkhead/no/such/socket") != std::string::npos);
  BOOST_TEST(!control->await(runtime::connect_unix(control->loop(), std::string(200, 'x'))));
}

BOOST_AUTO_TEST_CASE(kj_timers_fire_in_order_and_measure_from_now) {
  auto control = make_control();
  kj::Timer& timer = control->timer();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the event loop has not run meanwhile
  std::string order;
  uint64_t start = runtime::Loop::now_ns();
  auto late = timer.afterDelay(40 * kj::MILLISECONDS).then([&] { order += 'b'; });
  auto early = timer.afterDelay(20 * kj::MILLISECONDS).then([&] { order += 'a'; }).eagerlyEvaluate(nullptr);
  auto never = timer.afterDelay(1 * kj::HOURS);
  late.wait(control->wait_scope());
  BOOST_TEST(order == "ab");
  BOOST_TEST(runtime::Loop::now_ns() - start >= 40 * kMillisecond);
}

BOOST_AUTO_TEST_CASE(kj_timer_wakes_a_packet_loop_that_sleeps_in_wait) {
  auto control = make_control();
  bool fired = false;
  auto timer =
      control->timer().afterDelay(10 * kj::MILLISECONDS).then([&] { fired = true; }).eagerlyEvaluate(nullptr);
  for (int i = 0; i < 3 && !fired; ++i) control->wait();
  BOOST_TEST(fired);
}

BOOST_AUTO_TEST_CASE(time_out_cancels_the_read_that_it_limits) {
  Streams s;
  std::array<char, 4> buffer{};
  auto read = s.control->timer().timeoutAfter(10 * kj::MILLISECONDS, s.right->tryRead(buffer.data(), 1, 4));
  auto result = s.control->await(kj::mv(read));
  BOOST_TEST(!result);
  BOOST_TEST(s.control->loop().in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(run_ready_runs_the_events_that_completions_cause) {
  Streams s;
  std::array<char, 4> buffer{};
  size_t got = 0;
  auto read = s.right->tryRead(buffer.data(), 1, 4).then([&](size_t n) { got = n; }).eagerlyEvaluate(nullptr);
  auto write = s.left->write("abc", 3).eagerlyEvaluate(nullptr);
  for (int i = 0; i < 1000 && got == 0; ++i) s.control->run_ready();
  BOOST_TEST(got == 3U);
}

BOOST_AUTO_TEST_CASE(idle_control_loop_makes_no_system_call) {
  int status = in_child([] {
    Streams s;
    std::array<char, 4> buffer{};
    auto read = s.right->tryRead(buffer.data(), 1, 4).then([](size_t) {}).eagerlyEvaluate(nullptr);
    auto timer = s.control->timer().afterDelay(1 * kj::HOURS);
    s.control->run_ready();
    s.control->run_ready();
    filter_call(SYS_io_uring_enter, SECCOMP_RET_KILL_PROCESS);
    constexpr int rounds = 1'000'000;
    uint64_t start = runtime::Loop::now_ns();
    for (int i = 0; i < rounds; ++i) s.control->run_ready();
    fmt::print("idle ControlLoop::run_ready: {:.1f} ns\n",
               static_cast<double>(runtime::Loop::now_ns() - start) / rounds);
    std::fflush(stdout);
    ::_exit(0);  // the destructors would enter the ring
    return 0;
  });
  BOOST_TEST(status == 0);
}
