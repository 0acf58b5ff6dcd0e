// The loop against a real kernel: nothing is lost, nothing is touched after cancel(), nothing is
// called that should not be.
#define BOOST_TEST_MODULE loop
#include "ipc/runtime/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/loop_fixtures.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

std::array<std::byte, 8> const kWord{std::byte{'b'}, std::byte{'u'}, std::byte{'l'}, std::byte{'k'}};

}  // namespace

BOOST_AUTO_TEST_SUITE(timers)

BOOST_AUTO_TEST_CASE(timers_fire_in_the_order_of_their_times) {
  auto loop = make_loop();
  std::string order;
  runtime::Operation late(*loop, [&](int result) { order += result == 0 ? "c" : "!"; });
  runtime::Operation early(*loop, [&](int result) { order += result == 0 ? "a" : "!"; });
  runtime::Operation middle(*loop, [&](int result) { order += result == 0 ? "b" : "!"; });
  uint64_t start = runtime::Loop::now_ns();
  late.after(60 * kMillisecond);
  early.after(20 * kMillisecond);
  middle.after(40 * kMillisecond);
  run_until(*loop, [&] { return order.size() == 3; });
  BOOST_TEST(order == "abc");
  BOOST_TEST(runtime::Loop::now_ns() - start >= 60 * kMillisecond);
}

BOOST_AUTO_TEST_CASE(repeating_timer_counts_the_ticks_that_were_slept_through) {
  auto loop = make_loop();
  int ticks = 0, calls = 0;
  runtime::Operation timer(*loop, [&](int n) {
    ticks += n;
    ++calls;
  });
  uint64_t start = runtime::Loop::now_ns();
  timer.every(5 * kMillisecond);
  loop->run_ready();
  std::this_thread::sleep_for(std::chrono::milliseconds(32));
  run_until(*loop, [&] { return ticks >= 10; });
  BOOST_TEST(calls < ticks);
  auto elapsed = static_cast<int>((runtime::Loop::now_ns() - start) / (5 * kMillisecond));
  BOOST_TEST(ticks <= elapsed);
  BOOST_TEST(timer.busy());
}

BOOST_AUTO_TEST_CASE(ticks_do_not_drift_by_the_time_it_takes_to_wake) {
  auto loop = make_loop();
  constexpr uint64_t period = 200'000;
  uint64_t start = runtime::Loop::now_ns(), ticks = 0;
  bool on_time = false;
  runtime::Operation timer(*loop, [&](int n) {
    ticks += static_cast<uint64_t>(n);
    // Once is enough: this process may be held up between the tick and here, but a drift stays.
    on_time = on_time || (ticks > 300 && ticks + 1 >= (runtime::Loop::now_ns() - start) / period);
  });
  timer.every(period);
  for (uint64_t end = start + 2000 * kMillisecond; !on_time && runtime::Loop::now_ns() < end;) loop->wait();
  BOOST_TEST(on_time);
}

BOOST_AUTO_TEST_CASE(cancelled_timer_does_not_fire) {
  auto loop = make_loop();
  runtime::Operation timer(*loop, [](int) { BOOST_ERROR("called"); });
  timer.after(5 * kMillisecond);
  loop->run_ready();
  BOOST_TEST(timer.cancel() == -ECANCELED);
  BOOST_TEST(loop->wait_for(15 * kMillisecond) == 0U);
  BOOST_TEST(loop->in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(wait_for_sleeps_its_time_though_signals_interrupt_it) {
  auto loop = make_loop();
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, &before);
  itimerval often{{0, 3000}, {0, 3000}}, never{};
  setitimer(ITIMER_REAL, &often, nullptr);
  uint64_t start = runtime::Loop::now_ns();
  BOOST_TEST(loop->wait_for(40 * kMillisecond) == 0U);
  uint64_t slept = runtime::Loop::now_ns() - start;
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  BOOST_TEST(slept >= 40 * kMillisecond);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(requests)

BOOST_AUTO_TEST_CASE(ten_thousand_writes_pass_through_a_queue_of_two) {
  auto loop = make_loop(2);
  constexpr size_t count = 10'000;
  char path[] = "/tmp/bulkhead_loop_XXXXXX";
  int file = ::mkostemp(path, O_CLOEXEC);
  BOOST_REQUIRE(file >= 0);
  ::unlink(path);
  std::vector<uint32_t> words(count);
  std::vector<std::unique_ptr<runtime::Operation>> writes;
  size_t done = 0, wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    words[i] = static_cast<uint32_t>(i);
    auto& write = *writes.emplace_back(std::make_unique<runtime::Operation>(*loop, [&](int result) {
      ++done;
      if (result != sizeof(uint32_t)) ++wrong;
    }));
    write.write(file, std::as_bytes(std::span(&words[i], 1)), i * sizeof(uint32_t));
  }
  BOOST_TEST(loop->in_flight() == count);
  run_until(*loop, [&] { return done == count; });
  BOOST_TEST(done == count);
  BOOST_TEST(wrong == 0U);
  std::vector<uint32_t> read(count);
  BOOST_REQUIRE(::pread(file, read.data(), count * 4, 0) == static_cast<ssize_t>(count * 4));
  BOOST_TEST((read == words));
  ::close(file);
}

BOOST_AUTO_TEST_CASE(descriptors_travel_in_messages) {
  auto loop = make_loop();
  SocketPair pair(SOCK_SEQPACKET);
  Pipe pipe;
  char text[4] = {'p', 'i', 'p', 'e'};
  iovec piece{text, sizeof text};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr out{nullptr, 0, &piece, 1, control.data(), control.size(), 0};
  *CMSG_FIRSTHDR(&out) = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&out)), &pipe.in, sizeof(int));

  char got[4] = {};
  iovec into{got, sizeof got};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr in{nullptr, 0, &into, 1, room.data(), room.size(), 0};
  int received = 0;
  runtime::Operation receive(*loop, [&](int n) { received = n; });
  receive.receive_message(pair.right, in);
  loop->run_ready();
  runtime::Operation send(*loop, [](int n) { BOOST_TEST(n == 4); });
  send.send_message(pair.left, out);
  run_until(*loop, [&] { return received != 0; });
  BOOST_TEST(received == 4);
  BOOST_REQUIRE(CMSG_FIRSTHDR(&in) != nullptr);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&in)), sizeof fd);
  BOOST_TEST(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
  BOOST_TEST(::write(fd, "x", 1) == 1);
  ::close(fd);
}

BOOST_AUTO_TEST_CASE(hang_up_of_a_pipe_is_reported) {
  auto loop = make_loop();
  Pipe pipe;
  int events = 0;
  runtime::Operation poll(*loop, [&](int result) { events = result; });
  poll.poll(pipe.out, 0);
  loop->run_ready();
  pipe.close_in();
  run_until(*loop, [&] { return events != 0; });
  BOOST_TEST((events & POLLHUP) != 0);
}

BOOST_AUTO_TEST_CASE(exit_of_a_process_is_reported_by_its_pidfd) {
  auto loop = make_loop();
  pid_t child = ::fork();
  if (child == 0) {
    ::usleep(10'000);
    ::_exit(7);
  }
  auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  BOOST_REQUIRE(pidfd >= 0);
  int events = 0;
  runtime::Operation poll(*loop, [&](int result) { events = result; });
  poll.poll(pidfd, POLLIN);
  run_until(*loop, [&] { return events != 0; });
  BOOST_TEST((events & POLLIN) != 0);
  int status = 0;
  BOOST_TEST(::waitpid(child, &status, WNOHANG) == child);
  ::close(pidfd);
}

BOOST_AUTO_TEST_CASE(signals_come_as_events) {
  auto loop = make_loop();
  std::vector<uint32_t> caught;
  auto signals =
      runtime::Signals::create(*loop, {SIGUSR1, SIGUSR2}, [&](auto const& s) { caught.push_back(s.ssi_signo); });
  BOOST_REQUIRE(signals);
  for (int round = 0; round < 3; ++round) {
    ::kill(::getpid(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    size_t want = caught.size() + 2;
    run_until(*loop, [&] { return caught.size() == want; });
  }
  BOOST_TEST(caught.size() == 6U);
}

BOOST_AUTO_TEST_CASE(completions_that_did_not_fit_reach_a_loop_that_never_sleeps) {
  auto loop = make_loop(1);  // two places for completions
  int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  std::vector<std::unique_ptr<runtime::Operation>> writes;
  int done = 0;
  for (int i = 0; i < 9; ++i) {
    auto& write = *writes.emplace_back(std::make_unique<runtime::Operation>(*loop, [&](int) { ++done; }));
    write.write(null, kWord, runtime::kNoOffset);
  }
  for (int i = 0; i < 100; ++i) loop->run_ready();
  BOOST_TEST(done == 9);
  ::close(null);
}

BOOST_AUTO_TEST_CASE(callback_that_runs_its_loop_is_stopped_at_once) {
  int status = in_child([] {
    auto loop = make_loop();
    runtime::Operation timer(*loop, [&](int) { loop->run_ready(); });
    runtime::Operation other(*loop, [](int) {});
    timer.after(1);
    other.after(1);
    loop->wait();
    return 0;
  });
  BOOST_TEST(status == -SIGABRT);
}

BOOST_AUTO_TEST_CASE(callback_that_always_starts_again_does_not_keep_run_ready) {
  auto loop = make_loop();
  Pipe pipe;
  int called = 0;
  std::optional<runtime::Operation> poll;
  poll.emplace(*loop, [&](int) {
    ++called;
    poll->poll(pipe.in, POLLOUT);
  });
  poll->poll(pipe.in, POLLOUT);
  loop->run_ready();
  for (int i = 1; i <= 5; ++i) {
    loop->run_ready();
    BOOST_TEST(called == i);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(system_calls)

BOOST_AUTO_TEST_CASE(refused_io_uring_names_the_settings_to_change) {
  for (int error : {EPERM, ENOSYS}) {
    int status = in_child([error] {
      filter_call(SYS_io_uring_setup, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error));
      auto loop = runtime::Loop::create(8);
      if (loop) return 1;
      bool sysctl = loop.error().message.find("kernel.io_uring_disabled") != std::string::npos;
      bool seccomp = loop.error().message.find("seccomp") != std::string::npos;
      return sysctl && seccomp ? 0 : 2;
    });
    BOOST_TEST(status == 0);
  }
}

BOOST_AUTO_TEST_CASE(idle_run_ready_makes_no_system_call) {
  int status = in_child([] {
    auto loop = make_loop();
    Bell bell;
    int heard = 0;
    runtime::Doorbell doorbell(*loop, bell.fd, [&] { ++heard; });
    runtime::Operation timer(*loop, [](int) {});
    timer.after(kLong);
    if (!doorbell.start()) return 1;
    runtime::ring_bell(bell.fd);
    loop->wait_for(kLong);
    loop->run_ready();
    filter_call(SYS_io_uring_enter, SECCOMP_RET_KILL_PROCESS);
    constexpr int rounds = 1'000'000;
    uint64_t start = runtime::Loop::now_ns();
    for (int i = 0; i < rounds; ++i) loop->run_ready();
    uint64_t ns = runtime::Loop::now_ns() - start;
    fmt::print("idle run_ready: {:.1f} ns\n", static_cast<double>(ns) / rounds);
    std::fflush(stdout);
    ::_exit(heard == 1 ? 0 : 2);  // the destructors would enter the ring
  });
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
