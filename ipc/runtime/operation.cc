#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <csignal>

#include "ipc/runtime/loop.h"

namespace bulkhead::runtime {

Operation::Operation(Loop& loop, Done done) : loop_(loop), done_(std::move(done)) {}

Operation::~Operation() {
  cancel();
  if (loop_.current_ == this) loop_.current_ = nullptr;
}

int Operation::cancel() { return busy_ ? loop_.cancel(*this) : -ECANCELED; }

io_uring_sqe& Operation::prepare(Kind kind) {
  assert(!busy_ && "an Operation holds one request at a time");
  kind_ = kind;
  request_ = {};
  return request_;
}

void Operation::start() {
  request_.user_data = user_data();
  if (!busy_) ++loop_.in_flight_;
  busy_ = true;
  loop_.queue(request_);
}

/// What has to go on goes on: requests that a signal cut short, and multishot polls that the kernel
/// ended. A poll that is armed anew looks at the level first, so nothing is lost between.
void Operation::finish(int result, bool more) {
  if (more) return;
  if (result == -EINTR || (kind_ == Kind::poll_many && result >= 0)) return start();
  if (kind_ == Kind::repeat && result == -ETIME) return;
  busy_ = false;
  --loop_.in_flight_;
}

int Operation::repeat(int result) {
  if (result != -ETIME) return result;
  uint64_t now = Loop::now_ns();
  uint64_t ticks = now < due_ns_ ? 1 : 1 + (now - due_ns_) / period_ns_;
  due_ns_ += ticks * period_ns_;
  start_timer();
  return static_cast<int>(std::min<uint64_t>(ticks, INT32_MAX));
}

void Operation::start_timer() {
  due_ = kernel_time(due_ns_);
  io_uring_prep_timeout(&request_, &due_, 0, IORING_TIMEOUT_ABS);
  start();
}

void Operation::after(uint64_t ns) {
  prepare(Kind::once);
  due_ns_ = Loop::now_ns() + ns;
  start_timer();
}

void Operation::every(uint64_t period_ns) {
  assert(period_ns > 0);
  prepare(Kind::repeat);
  period_ns_ = period_ns;
  due_ns_ = Loop::now_ns() + period_ns;
  start_timer();
}

void Operation::read(int fd, std::span<std::byte> into, uint64_t offset) {
  io_uring_prep_read(&prepare(Kind::plain), fd, into.data(), static_cast<unsigned>(into.size()), offset);
  start();
}

void Operation::write(int fd, std::span<std::byte const> from, uint64_t offset) {
  io_uring_prep_write(&prepare(Kind::plain), fd, from.data(), static_cast<unsigned>(from.size()), offset);
  start();
}

void Operation::receive(int socket, std::span<std::byte> into, int flags) {
  io_uring_prep_recv(&prepare(Kind::plain), socket, into.data(), into.size(), flags);
  start();
}

void Operation::send(int socket, std::span<std::byte const> from, int flags) {
  io_uring_prep_send(&prepare(Kind::plain), socket, from.data(), from.size(), flags | MSG_NOSIGNAL);
  start();
}

void Operation::receive_message(int socket, msghdr& message, int flags) {
  io_uring_prep_recvmsg(&prepare(Kind::plain), socket, &message,
                        static_cast<unsigned>(flags | MSG_CMSG_CLOEXEC));
  start();
}

void Operation::send_message(int socket, msghdr const& message, int flags) {
  io_uring_prep_sendmsg(&prepare(Kind::plain), socket, &message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
  start();
}

void Operation::accept(int listener) {
  io_uring_prep_accept(&prepare(Kind::accept), listener, nullptr, nullptr, SOCK_CLOEXEC);
  start();
}

void Operation::connect(int socket, sockaddr const& address, socklen_t length) {
  io_uring_prep_connect(&prepare(Kind::plain), socket, &address, length);
  start();
}

void Operation::poll(int fd, unsigned events) {
  io_uring_prep_poll_add(&prepare(Kind::plain), fd, events);
  start();
}

void Operation::poll_many(int fd, unsigned events) {
  io_uring_prep_poll_multishot(&prepare(Kind::poll_many), fd, events);
  start();
}

void ring_bell(int eventfd) noexcept {
  uint64_t one = 1;
  // EAGAIN: the counter is full, so the bell rings already. Nobody to tell of any other error.
  [[maybe_unused]] ssize_t written = ::write(eventfd, &one, sizeof one);
}

Doorbell::Doorbell(Loop& loop, int eventfd, std::function<void()> rung)
    : eventfd_(eventfd), rung_(std::move(rung)), poll_(loop, [this](int) { answer(); }) {}

Status Doorbell::start() {
  int flags = ::fcntl(eventfd_, F_GETFL);
  if (flags < 0) return fail_errno(errno, "doorbell: descriptor {}", eventfd_);
  if ((flags & O_NONBLOCK) == 0)
    return fail("doorbell: descriptor {}: wanted: an eventfd with EFD_NONBLOCK", eventfd_);
  poll_.poll_many(eventfd_, POLLIN);
  return {};
}

/// The counter is emptied first: a ring that comes while `rung_` looks at its rings counts anew.
void Doorbell::answer() {
  uint64_t rings = 0;
  [[maybe_unused]] ssize_t got = ::read(eventfd_, &rings, sizeof rings);
  if (!poll_.busy()) poll_.poll_many(eventfd_, POLLIN);
  rung_();
}

Result<std::unique_ptr<Signals>> Signals::create(Loop& loop, std::initializer_list<int> signals,
                                                 Caught caught) {
  sigset_t set;
  sigemptyset(&set);
  for (int number : signals) sigaddset(&set, number);
  if (int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
    return fail_errno(error, "pthread_sigmask");
  int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail_errno(errno, "signalfd");
  return std::unique_ptr<Signals>(new Signals(loop, fd, std::move(caught)));  // the constructor is private
}

Signals::Signals(Loop& loop, int fd, Caught caught)
    : fd_(fd), caught_(std::move(caught)), poll_(loop, [this](int) { drain(); }) {
  poll_.poll_many(fd_, POLLIN);
}

Signals::~Signals() {
  poll_.cancel();
  ::close(fd_);
}

void Signals::drain() {
  if (!poll_.busy()) poll_.poll_many(fd_, POLLIN);
  signalfd_siginfo signal{};
  while (::read(fd_, &signal, sizeof signal) == sizeof signal) caught_(signal);
}

}  // namespace bulkhead::runtime