#include "ipc/runtime/loop.h"

#include <unistd.h>

#include <array>
#include <cassert>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace bulkhead::runtime {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kCancelRetryNs = 1'000'000;
constexpr uint64_t kNobody = 0;  // user_data of cancel requests, whose answers nobody needs

// Newest first. Kernels before 6.0 do not know SINGLE_ISSUER, those before 5.19 not COOP_TASKRUN.
constexpr std::array<unsigned, 3> kSetups{
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SINGLE_ISSUER,
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0};

int set_up(unsigned entries, io_uring& ring) {
  int error = -EINVAL;
  for (unsigned flags : kSetups) {
    io_uring_params params{};
    params.flags = flags;
    error = io_uring_queue_init_params(entries, &ring, &params);
    if (error != -EINVAL) return error;
  }
  return error;
}

tl::unexpected<Error> refused(int error) {
  switch (error) {
    case EPERM:
    case ENOSYS:
      return fail_errno(
          error,
          "io_uring is refused to this process. Either the sysctl kernel.io_uring_disabled is not 0 "
          "(1: only for CAP_SYS_ADMIN or kernel.io_uring_group; 2: for nobody), or a seccomp profile "
          "forbids io_uring_setup (Docker's default does since version 25: start the container with "
          "--security-opt seccomp=PROFILE, one that allows it), or the kernel has none (wanted: 5.11 or later)");
    case ENOMEM:
      return fail_errno(error,
                        "io_uring: no memory for the rings; before Linux 5.12 they count against "
                        "RLIMIT_MEMLOCK (ulimit -l)");
    default:
      return fail_errno(error, "io_uring: cannot set up the rings");
  }
}

[[noreturn]] void broken(char const* what, int error) {
  // Only our own mistakes lead here, such as running the Loop from another thread.
  fmt::print(stderr, "bulkhead: {}: {}\n", what, std::strerror(error));
  std::abort();
}

bool passes(int error) { return error == -EINTR || error == -EAGAIN || error == -EBUSY || error == -ETIME; }

}  // namespace

__kernel_timespec kernel_time(uint64_t ns) {
  return {.tv_sec = static_cast<int64_t>(ns / kSecond), .tv_nsec = static_cast<int64_t>(ns % kSecond)};
}

uint64_t Loop::now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

Result<std::unique_ptr<Loop>> Loop::create(unsigned entries) {
  std::unique_ptr<Loop> loop(new Loop);  // the constructor is private
  if (int error = set_up(entries, loop->ring_); error < 0) {
    loop->ring_.ring_fd = -1;
    return refused(-error);
  }
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE;
  if ((loop->ring_.features & needed) != needed)
    return fail("io_uring: this kernel is too old; wanted: 5.11 or later");
  return loop;
}

Loop::~Loop() {
  assert(in_flight_ == 0 && "an Operation outlives its Loop");
  if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
}

size_t Loop::turn() {
  if (!has_completions() && wants_enter()) io_uring_get_events(&ring_);
  size_t called = dispatch();
  submit();
  return called;
}

size_t Loop::wait() { return sleep(nullptr); }

size_t Loop::wait_for(uint64_t ns) {
  uint64_t deadline = now_ns() + ns;
  return sleep(&deadline);
}

size_t Loop::sleep(uint64_t const* deadline_ns) {
  for (;;) {
    if (has_completions()) {
      submit();
    } else {
      enter_and_wait(deadline_ns);
    }
    if (size_t called = dispatch(); called != 0) return called;
    if (deadline_ns != nullptr && now_ns() >= *deadline_ns) return 0;
  }
}

/// One submission and one sleep, in one system call. Comes back early on a signal or want of memory.
void Loop::enter_and_wait(uint64_t const* deadline_ns) {
  if (!backlog_.empty()) submit();
  int error = 0;
  if (deadline_ns == nullptr) {
    error = io_uring_submit_and_wait(&ring_, 1);
  } else {
    uint64_t now = now_ns();
    __kernel_timespec left = kernel_time(*deadline_ns > now ? *deadline_ns - now : 0);
    io_uring_cqe* ignored = nullptr;
    error = io_uring_submit_and_wait_timeout(&ring_, &ignored, 1, &left, nullptr);
  }
  if (error < 0 && !passes(error)) broken("io_uring_enter", -error);
  if (error == -EAGAIN || error == -EBUSY) std::this_thread::yield();
}

void Loop::queue(io_uring_sqe const& request) {
  if (backlog_.empty()) {
    io_uring_sqe* slot = io_uring_get_sqe(&ring_);
    if (slot == nullptr) {
      submit();
      slot = io_uring_get_sqe(&ring_);
    }
    if (slot != nullptr) {
      *slot = request;
      return;
    }
  }
  backlog_.push_back(request);
}

void Loop::send_backlog() {
  while (!backlog_.empty()) {
    io_uring_sqe* slot = io_uring_get_sqe(&ring_);
    if (slot == nullptr) return;
    *slot = backlog_.front();
    backlog_.pop_front();
  }
}

void Loop::submit() {
  for (;;) {
    send_backlog();
    if (io_uring_sq_ready(&ring_) == 0) return;
    int sent = io_uring_submit(&ring_);
    if (sent < 0 && !passes(sent)) broken("io_uring_enter", -sent);
    if (sent <= 0 && sent != -EINTR) return;
  }
}

bool Loop::take(Completion& completion) {
  if (!kept_.empty()) {
    completion = kept_.front();
    kept_.pop_front();
    return true;
  }
  io_uring_cqe* entry = nullptr;
  if (io_uring_cq_ready(&ring_) == 0 || io_uring_peek_cqe(&ring_, &entry) != 0) return false;
  completion = {entry->user_data, entry->res, entry->flags};
  io_uring_cqe_seen(&ring_, entry);
  return true;
}

/// What is here now, and not what callbacks add: a callback that always starts something that is
/// done at once must not keep its packet loop from its packets.
size_t Loop::dispatch() {
  if (dispatching_) broken("Loop run from one of its callbacks", EDEADLK);
  dispatching_ = true;
  size_t called = 0;
  Completion completion{};
  for (size_t left = kept_.size() + io_uring_cq_ready(&ring_); left > 0 && take(completion); --left) {
    if (deliver(completion)) ++called;
  }
  dispatching_ = false;
  return called;
}

bool Loop::deliver(Completion const& completion) {
  if (completion.user_data == kNobody) return false;
  auto& operation = *reinterpret_cast<Operation*>(
      static_cast<uintptr_t>(completion.user_data));  // NOLINT(performance-no-int-to-ptr)
  bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
  operation.finish(completion.result, more);
  if (operation.busy_ && !more && completion.result == -EINTR) return false;
  if (operation.kind_ == Operation::Kind::repeat && operation.busy_) {
    call(operation, operation.repeat(completion.result));
  } else {
    bool expired = operation.kind_ == Operation::Kind::once && completion.result == -ETIME;
    call(operation, expired ? 0 : completion.result);
  }
  return true;
}

/// The callback is moved out while it runs, for it may destroy its Operation.
void Loop::call(Operation& operation, int result) {
  Operation::Done done = std::move(operation.done_);
  current_ = &operation;
  done(result);
  if (current_ == &operation) operation.done_ = std::move(done);
  current_ = nullptr;
}

int Loop::cancel(Operation& operation) {
  int result = -ECANCELED;
  bool finished = false;
  collect(operation, result, finished);
  while (!finished) {
    // Asked again after a while: a request that is between two states in the kernel is not found.
    ask_cancel(operation);
    for (uint64_t retry = now_ns() + kCancelRetryNs; !finished && now_ns() < retry;) {
      enter_and_wait(&retry);
      collect(operation, result, finished);
    }
  }
  operation.busy_ = false;
  --in_flight_;
  if (operation.kind_ == Operation::Kind::accept && result >= 0) {
    ::close(result);
    return -ECANCELED;
  }
  return operation.kind_ == Operation::Kind::plain ? result : -ECANCELED;
}

void Loop::ask_cancel(Operation const& operation) {
  io_uring_sqe request{};
  io_uring_prep_cancel64(&request, operation.user_data(), 0);
  request.user_data = kNobody;
  queue(request);
}

/// Takes the completions of `operation` out, and puts those of others aside for the next run.
void Loop::collect(Operation const& operation, int& result, bool& finished) {
  std::deque<Completion> others;
  Completion next{};
  while (take(next)) {
    if (next.user_data != operation.user_data()) {
      if (next.user_data != kNobody) others.push_back(next);
      continue;
    }
    result = next.result;
    finished = finished || (next.flags & IORING_CQE_F_MORE) == 0;
  }
  kept_ = std::move(others);
}

}  // namespace bulkhead::runtime