// ipc/runtime/loop.h: the one io_uring loop of a process, and the requests that run on it.
//
// Who     every process makes one Loop at start. Packet services call run_ready() after each batch
//         and wait() when their rings are empty; programs for people use it through ipc/runtime/rpc.h.
// Thread  the thread that made the Loop (the kernel holds us to it: IORING_SETUP_SINGLE_ISSUER).
// Owner   an Operation is its caller's, holds one request at a time, and its address is the request's
//         user_data: it neither moves nor outlives its Loop. Buffers, msghdr and descriptors of a
//         request stay valid from its start until its callback or until cancel() returns.
// Cancel  cancel(), and so ~Operation, is synchronous: when it returns the kernel has let go of the
//         request and its buffer, and the callback will not run. It waits as long as the kernel
//         does: a few microseconds for sockets, pipes, polls and timers; for a regular file until
//         the disk has answered. Completions of others that come meanwhile are kept for the next run.
// Calls   callbacks run in run_ready(), wait() and wait_for() only, never in start calls or cancel().
//         They may start, cancel and destroy any Operation, their own too. They must not run the
//         Loop, wait on a KJ promise, or throw.
// Errors  results are those of the system call, errors as negative errno. -EINTR is retried here.
//         Give blocking descriptors: what is O_NONBLOCK may answer -EAGAIN instead of waiting.
//         -ECANCELED without cancel() means that the kernel tears the request down.
// Units   nanoseconds of CLOCK_MONOTONIC.
// Full    a full submission queue is submitted; what the kernel refuses for now (-EAGAIN, -EBUSY) is
//         kept and sent by the next run, in order. The kernel keeps completions that do not fit.
// Crash   everything here dies with the process; nothing is shared. Pending reads of a dead process
//         never complete, so a successor looks at its rings and descriptors before it sleeps.
// Source  liburing; io_uring_setup(2), io_uring_enter(2).
#pragma once

#include <liburing.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>

#include "common/base/result.h"

namespace bulkhead::runtime {

class Loop;

[[nodiscard]] __kernel_timespec kernel_time(uint64_t ns);

/// For read() and write() of sockets, pipes and other things without a position.
inline constexpr uint64_t kNoOffset = ~uint64_t{0};

/// One request, or a row of them (poll_many, every). Start calls need !busy().
class Operation {
 public:
  using Done = std::function<void(int result)>;

  Operation(Loop& loop, Done done);
  ~Operation();
  Operation(Operation const&) = delete;
  Operation& operator=(Operation const&) = delete;

  void read(int fd, std::span<std::byte> into, uint64_t offset);
  void write(int fd, std::span<std::byte const> from, uint64_t offset);
  void receive(int socket, std::span<std::byte> into, int flags = 0);
  void send(int socket, std::span<std::byte const> from, int flags = 0);
  /// A recvmsg that cancel() overtakes may have brought descriptors: see what cancel() returns.
  void receive_message(int socket, msghdr& message, int flags = 0);
  void send_message(int socket, msghdr const& message, int flags = 0);
  /// Result: a new descriptor, close-on-exec, the caller's.
  void accept(int listener);
  void connect(int socket, sockaddr const& address, socklen_t length);

  /// Result: the events (POLLIN...) that hold. POLLERR and POLLHUP are always asked for.
  void poll(int fd, unsigned events);
  /// The same again and again until cancel() or an error. Edge-like: a callback for each change, so
  /// read until there is nothing. A level that holds when it starts counts as a change.
  void poll_many(int fd, unsigned events);

  /// Result: 0.
  void after(uint64_t ns);
  /// Result: ticks since the last callback, at least 1. Ticks do not drift. period_ns > 0.
  void every(uint64_t period_ns);

  [[nodiscard]] bool busy() const { return busy_; }

  /// Gives -ECANCELED, or what the request had achieved before it could be stopped (a count of bytes,
  /// say). A descriptor from accept() is closed, and -ECANCELED given.
  int cancel();

 private:
  friend class Loop;
  enum class Kind : uint8_t { plain, accept, poll_many, once, repeat };

  [[nodiscard]] uint64_t user_data() const { return reinterpret_cast<uintptr_t>(this); }
  io_uring_sqe& prepare(Kind kind);
  void start();
  void start_timer();
  void finish(int result, bool more);
  int repeat(int result);

  Loop& loop_;
  Done done_;
  io_uring_sqe request_{};
  __kernel_timespec due_{};
  uint64_t due_ns_ = 0;
  uint64_t period_ns_ = 0;
  Kind kind_ = Kind::plain;
  bool busy_ = false;
};

class Loop {
 public:
  /// `entries`: requests queued between two submissions, rounded up to a power of two.
  [[nodiscard]] static Result<std::unique_ptr<Loop>> create(unsigned entries);
  ~Loop();
  Loop(Loop const&) = delete;
  Loop& operator=(Loop const&) = delete;

  /// Runs the callbacks of what has completed and submits what is queued. Gives the number of
  /// callbacks. Costs a few loads and no system call when there is neither.
  size_t run_ready() { return idle() ? 0 : turn(); }

  /// Submits, and sleeps until at least one callback has run. Sleeps for ever if nothing is started.
  size_t wait();
  /// The same, for at most `ns`. 0 callbacks: time is up.
  size_t wait_for(uint64_t ns);

  /// Requests that are started and not finished.
  [[nodiscard]] size_t in_flight() const { return in_flight_; }

  [[nodiscard]] static uint64_t now_ns();

 private:
  friend class Operation;
  struct Completion {
    uint64_t user_data;
    int result;
    uint32_t flags;
  };

  Loop() = default;
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool wants_enter() const;
  [[nodiscard]] bool has_completions() const;
  size_t turn();
  size_t sleep(uint64_t const* deadline_ns);
  void enter_and_wait(uint64_t const* deadline_ns);
  void queue(io_uring_sqe const& request);
  void submit();
  void send_backlog();
  bool take(Completion& completion);
  size_t dispatch();
  bool deliver(Completion const& completion);
  void call(Operation& operation, int result);
  int cancel(Operation& operation);
  void ask_cancel(Operation const& operation);
  void collect(Operation const& operation, int& result, bool& finished);

  io_uring ring_{};
  std::deque<Completion> kept_;       // come while cancel() waited; older than those in the ring
  std::deque<io_uring_sqe> backlog_;  // found no room in the submission queue
  Operation* current_ = nullptr;      // whose callback runs; null once it is destroyed
  size_t in_flight_ = 0;
  bool dispatching_ = false;
};

/// Rings the bell of another process. The eventfd must be EFD_NONBLOCK, for a neighbour could fill its
/// counter and so stop everyone who rings.
void ring_bell(int eventfd) noexcept;

/// This process's bell: `rung` is called once or more after each ring, and never less, whether it
/// came before start(), awake or asleep. It takes no descriptor over. `rung` must not destroy it.
class Doorbell {
 public:
  Doorbell(Loop& loop, int eventfd, std::function<void()> rung);
  /// Fails if the eventfd is not EFD_NONBLOCK.
  [[nodiscard]] Status start();

 private:
  void answer();

  int eventfd_;
  std::function<void()> rung_;
  Operation poll_;
};

/// Signals as events. They are blocked in the calling thread, so make it before other threads, and
/// unblock them in a child before it execs. `caught` must not destroy it.
class Signals {
 public:
  using Caught = std::function<void(signalfd_siginfo const&)>;
  [[nodiscard]] static Result<std::unique_ptr<Signals>> create(Loop& loop, std::initializer_list<int> signals,
                                                               Caught caught);
  ~Signals();
  Signals(Signals const&) = delete;
  Signals& operator=(Signals const&) = delete;

 private:
  Signals(Loop& loop, int fd, Caught caught);
  void drain();

  int fd_;
  Caught caught_;
  Operation poll_;
};

inline bool Loop::has_completions() const { return io_uring_cq_ready(&ring_) != 0 || !kept_.empty(); }

inline bool Loop::wants_enter() const {
  // Work that the kernel left for our next visit, or completions that did not fit.
  constexpr unsigned flags = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & flags) != 0;
}

inline bool Loop::idle() const {
  return !has_completions() && io_uring_sq_ready(&ring_) == 0 && backlog_.empty() && !wants_enter();
}

}  // namespace bulkhead::runtime