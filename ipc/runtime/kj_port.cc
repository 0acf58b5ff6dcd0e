#include "ipc/runtime/kj_port.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

namespace bulkhead::runtime {
namespace {

constexpr int kBacklog = 64;  // connections that wait for accept()

kj::Exception::Type type_of(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case ECONNREFUSED:
    case ENOENT:  // connect: no such socket file
      return kj::Exception::Type::DISCONNECTED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return kj::Exception::Type::OVERLOADED;
    default:
      return kj::Exception::Type::FAILED;
  }
}

/// `result` is a negative errno.
kj::Exception exception(char const* what, int result, int line) {
  return {type_of(-result), __FILE__, line, kj::str(what, ": ", std::strerror(-result))};
}

std::span<std::byte> bytes_of(void* buffer, size_t size) { return {static_cast<std::byte*>(buffer), size}; }

class Reading {
 public:
  Reading(kj::PromiseFulfiller<size_t>& promise, Loop& loop, int fd, std::span<std::byte> into,
          size_t at_least)
      : promise_(promise), fd_(fd), into_(into), at_least_(at_least), receive_(loop, [this](int n) {
          got(n);
        }) {
    receive_.receive(fd_, into_);
  }

 private:
  void got(int result) {
    if (result < 0) return promise_.reject(exception("read from a socket", result, __LINE__));
    total_ += static_cast<size_t>(result);
    if (result == 0 || total_ >= at_least_) return promise_.fulfill(kj::cp(total_));
    receive_.receive(fd_, into_.subspan(total_));
  }

  kj::PromiseFulfiller<size_t>& promise_;
  int fd_;
  std::span<std::byte> into_;
  size_t at_least_;
  size_t total_ = 0;
  Operation receive_;
};

using Pieces = kj::ArrayPtr<kj::ArrayPtr<kj::byte const> const>;

class Writing {
 public:
  Writing(kj::PromiseFulfiller<void>& promise, Loop& loop, int fd, Pieces pieces)
      : promise_(promise), fd_(fd), send_(loop, [this](int n) { sent(n); }) {
    pieces_.reserve(pieces.size());
    for (auto piece : pieces) {
      if (piece.size() > 0) pieces_.push_back({const_cast<kj::byte*>(piece.begin()), piece.size()});
    }
    send();
  }

 private:
  void send() {
    if (first_ == pieces_.size()) return promise_.fulfill();
    message_.msg_iov = &pieces_[first_];
    message_.msg_iovlen = std::min<size_t>(pieces_.size() - first_, IOV_MAX);
    send_.send_message(fd_, message_);
  }

  void sent(int result) {
    if (result < 0) return promise_.reject(exception("write to a socket", result, __LINE__));
    auto left = static_cast<size_t>(result);
    for (; first_ < pieces_.size() && left >= pieces_[first_].iov_len; ++first_)
      left -= pieces_[first_].iov_len;
    if (left > 0) {
      iovec& piece = pieces_[first_];
      piece = {static_cast<kj::byte*>(piece.iov_base) + left, piece.iov_len - left};
    }
    send();
  }

  kj::PromiseFulfiller<void>& promise_;
  int fd_;
  std::vector<iovec> pieces_;
  size_t first_ = 0;  // piece that is not sent yet, or not to its end
  msghdr message_{};
  Operation send_;
};

/// io_uring reports POLLRDHUP too, asked or not; a peer that only stopped writing still reads.
class HangUp {
 public:
  HangUp(kj::PromiseFulfiller<void>& promise, Loop& loop, int fd)
      : promise_(promise), poll_(loop, [this](int events) { changed(events); }) {
    poll_.poll_many(fd, 0);
  }

 private:
  void changed(int events) {
    if (events < 0 || (events & (POLLHUP | POLLERR)) != 0) promise_.fulfill();
  }

  kj::PromiseFulfiller<void>& promise_;
  Operation poll_;
};

class Accepting {
 public:
  Accepting(kj::PromiseFulfiller<kj::AutoCloseFd>& promise, Loop& loop, int listener)
      : promise_(promise), accept_(loop, [this](int fd) { accepted(fd); }) {
    accept_.accept(listener);
  }

 private:
  void accepted(int fd) {
    if (fd < 0) return promise_.reject(exception("accept", fd, __LINE__));
    promise_.fulfill(kj::AutoCloseFd(fd));
  }

  kj::PromiseFulfiller<kj::AutoCloseFd>& promise_;
  Operation accept_;
};

class Connecting {
 public:
  Connecting(kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>& promise, Loop& loop, kj::AutoCloseFd socket,
             sockaddr_un const& address)
      : promise_(promise),
        loop_(loop),
        socket_(kj::mv(socket)),
        address_(address),
        connect_(loop, [this](int result) { connected(result); }) {
    connect_.connect(socket_, reinterpret_cast<sockaddr const&>(address_), sizeof address_);
  }

 private:
  void connected(int result) {
    if (result < 0) return promise_.reject(exception(address_.sun_path, result, __LINE__));
    promise_.fulfill(make_stream(loop_, kj::mv(socket_)));
  }

  kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>& promise_;
  Loop& loop_;
  kj::AutoCloseFd socket_;
  sockaddr_un address_;
  Operation connect_;
};

class Stream final : public kj::AsyncIoStream {
 public:
  Stream(Loop& loop, kj::AutoCloseFd socket) : loop_(loop), socket_(kj::mv(socket)) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override {
    if (most == 0) return kj::cp(most);
    return kj::newAdaptedPromise<size_t, Reading>(loop_, socket_.get(), bytes_of(buffer, most), least);
  }

  kj::Promise<void> write(void const* buffer, size_t size) override {
    kj::ArrayPtr<kj::byte const> piece(static_cast<kj::byte const*>(buffer), size);
    return write(kj::arrayPtr(&piece, 1));
  }

  kj::Promise<void> write(Pieces pieces) override {
    return kj::newAdaptedPromise<void, Writing>(loop_, socket_.get(), pieces);
  }

  kj::Promise<void> whenWriteDisconnected() override {
    KJ_IF_MAYBE (hung_up, hung_up_) return hung_up->addBranch();
    return hung_up_.emplace(kj::newAdaptedPromise<void, HangUp>(loop_, socket_.get()).fork()).addBranch();
  }

  // The peer may be gone already, which the next read or write will tell.
  void shutdownWrite() override { ::shutdown(socket_, SHUT_WR); }
  void abortRead() override { ::shutdown(socket_, SHUT_RD); }

  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    KJ_SYSCALL(::getsockopt(socket_, level, option, value, length));
  }
  void setsockopt(int level, int option, void const* value, kj::uint length) override {
    KJ_SYSCALL(::setsockopt(socket_, level, option, value, length));
  }
  void getsockname(sockaddr* address, kj::uint* length) override {
    KJ_SYSCALL(::getsockname(socket_, address, length));
  }
  void getpeername(sockaddr* address, kj::uint* length) override {
    KJ_SYSCALL(::getpeername(socket_, address, length));
  }
  [[nodiscard]] kj::Maybe<int> getFd() const override { return socket_.get(); }

 private:
  Loop& loop_;
  kj::AutoCloseFd socket_;
  kj::Maybe<kj::ForkedPromise<void>> hung_up_;
};

Result<sockaddr_un> unix_address(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail("socket path '{}': wanted: 1 to {} characters", path, sizeof address.sun_path - 1);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

/// A plain connect, for it does not wait: O_NONBLOCK.
bool somebody_listens(sockaddr_un const& address) {
  kj::AutoCloseFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

int bind_to(int socket, sockaddr_un const& address) {
  return ::bind(socket, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0 ? 0 : errno;
}

}  // namespace

KjTimer::KjTimer(Loop& loop)
    : events_(now()), armed_(kj::origin<kj::TimePoint>()), alarm_(loop, [this](int) {
        events_.advanceTo(now());
        arm();
      }) {}

kj::TimePoint KjTimer::now() const {
  return kj::origin<kj::TimePoint>() + static_cast<int64_t>(Loop::now_ns()) * kj::NANOSECONDS;
}

kj::Promise<void> KjTimer::atTime(kj::TimePoint time) {
  auto promise = events_.atTime(time);
  arm();
  return promise;
}

kj::Promise<void> KjTimer::afterDelay(kj::Duration delay) { return atTime(now() + delay); }

/// An alarm that is too early is left alone: it comes, finds nothing due, and arms itself anew. So
/// time-outs that are set and dropped for each message cost no system call.
void KjTimer::arm() {
  KJ_IF_MAYBE (next, events_.nextEvent()) {
    if (alarm_.busy() && armed_ <= *next) return;
    alarm_.cancel();
    armed_ = *next;
    auto left = (*next - now()) / kj::NANOSECONDS;
    alarm_.after(left > 0 ? static_cast<uint64_t>(left) : 0);
  }
}

bool KjPort::wait() {
  loop_.wait();
  return false;
}

bool KjPort::poll() {
  if (!only_queued_) loop_.run_ready();
  return false;
}

kj::Own<kj::AsyncIoStream> make_stream(Loop& loop, kj::AutoCloseFd socket) {
  int flags = ::fcntl(socket, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0) ::fcntl(socket, F_SETFL, flags & ~O_NONBLOCK);
  return kj::heap<Stream>(loop, kj::mv(socket));
}

Result<kj::AutoCloseFd> listen_unix(std::string const& path, mode_t mode) {
  auto address = unix_address(path);
  if (!address) return tl::unexpected(address.error());
  kj::AutoCloseFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return fail_errno(errno, "{}: socket", path);
  ::fchmod(socket, mode);  // before bind, so that the file is never seen with another mode
  int error = bind_to(socket, *address);
  if (error == EADDRINUSE && !somebody_listens(*address)) {
    ::unlink(path.c_str());
    error = bind_to(socket, *address);
  }
  if (error != 0) return fail_errno(error, "{}: cannot bind a socket there", path);
  if (::listen(socket, kBacklog) != 0) return fail_errno(errno, "{}: listen", path);
  return socket;
}

kj::Promise<kj::AutoCloseFd> accept_one(Loop& loop, int listener) {
  return kj::newAdaptedPromise<kj::AutoCloseFd, Accepting>(loop, listener);
}

kj::Promise<kj::Own<kj::AsyncIoStream>> connect_unix(Loop& loop, std::string const& path) {
  auto address = unix_address(path);
  if (!address) return KJ_EXCEPTION(FAILED, address.error().message.c_str());
  int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return exception("socket", -errno, __LINE__);
  return kj::newAdaptedPromise<kj::Own<kj::AsyncIoStream>, Connecting>(loop, kj::AutoCloseFd(socket),
                                                                       *address);
}

}  // namespace bulkhead::runtime