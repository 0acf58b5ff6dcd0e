// tests/unit/loop_fixtures.h: what loop_test, kj_port_test and rpc_test share.
#pragma once

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

#include "ipc/runtime/loop.h"

namespace bulkhead::test {

inline constexpr uint64_t kMillisecond = 1'000'000;
inline constexpr uint64_t kLong = 10'000 * kMillisecond;  // nothing that works takes as long

inline std::unique_ptr<runtime::Loop> make_loop(unsigned entries = 64) {
  auto loop = runtime::Loop::create(entries);
  if (!loop) {
    fmt::print(stderr, "{}\n", loop.error().message);
    std::abort();
  }
  return std::move(*loop);
}

template <class Done>
void run_until(runtime::Loop& loop, Done done) {
  for (uint64_t end = runtime::Loop::now_ns() + kLong; !done() && runtime::Loop::now_ns() < end;) loop.wait_for(kLong);
}

struct Bell {
  int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ~Bell() { ::close(fd); }
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    out = ends[0];
    in = ends[1];
  }
  ~Pipe() {
    ::close(out);
    if (in >= 0) ::close(in);
  }
  void close_in() { ::close(std::exchange(in, -1)); }

  int out = -1;
  int in = -1;
};

struct SocketPair {
  explicit SocketPair(int type) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    left = ends[0];
    right = ends[1];
  }
  ~SocketPair() {
    ::close(left);
    ::close(right);
  }

  int left = -1;
  int right = -1;
};

/// From here on `number` ends in `action` (SECCOMP_RET_...) in this process.
inline void filter_call(long number, uint32_t action) {
  std::array<sock_filter, 4> program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<uint32_t>(number)},
      sock_filter{BPF_RET | BPF_K, 0, 0, action},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  sock_fprog filter{program.size(), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    ::_exit(99);
  }
}

/// What `work` returned, or minus the signal that killed it.
template <class Work>
int in_child(Work work) {
  pid_t child = ::fork();
  if (child == 0) {
    for (int number : {SIGABRT, SIGSEGV, SIGBUS}) ::signal(number, SIG_DFL);  // not Boost's handlers
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace bulkhead::test
