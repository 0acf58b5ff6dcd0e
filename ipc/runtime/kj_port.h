// ipc/runtime/kj_port.h: KJ (and so Cap'n Proto RPC) on the process's one io_uring loop.
//
// Who     ipc/runtime/rpc.h, which bundles this with a kj::EventLoop; services that speak over streams.
// Thread  the Loop's. wake() from another thread is not implemented (nobody has a second thread).
// Owner   streams own their descriptor. A stream outlives the promises it gave (KJ's rule), the Loop
//         outlives the streams.
// Cancel  dropping a promise cancels its request before the drop returns (Operation), so the kernel
//         has let go of the caller's buffer. Bytes that a dropped read had taken from the socket are
//         lost, and a dropped write may have sent a part: after either, close the stream.
// Errors  kj::Exception: DISCONNECTED when the peer is gone, OVERLOADED when descriptors or memory are
//         wanting, FAILED otherwise.
// Source  kj/async.h, kj/async-io.h, kj/timer.h of Cap'n Proto 0.9.
#pragma once

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/io.h>
#include <kj/timer.h>
#include <sys/stat.h>

#include <string>

#include "common/base/result.h"
#include "ipc/runtime/loop.h"

namespace bulkhead::runtime {

/// kj::Timer that is right at any time, also when the event loop has not run for long: it reads the
/// clock, and keeps one Loop timer armed for the next event.
class KjTimer final : public kj::Timer {
 public:
  explicit KjTimer(Loop& loop);

  [[nodiscard]] kj::TimePoint now() const override;
  kj::Promise<void> atTime(kj::TimePoint time) override;
  kj::Promise<void> afterDelay(kj::Duration delay) override;

 private:
  void arm();

  kj::TimerImpl events_;
  kj::TimePoint armed_;  // what alarm_ waits for, while it is busy
  Operation alarm_;
};

class KjPort final : public kj::EventPort {
 public:
  explicit KjPort(Loop& loop) : loop_(loop), timer_(loop) {}

  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] kj::Timer& timer() { return timer_; }

  /// While true, poll() does not look at the ring, so that WaitScope::poll() runs what is queued and
  /// comes back to its packet loop.
  void only_what_is_queued(bool on) { only_queued_ = on; }

  bool wait() override;
  bool poll() override;

 private:
  Loop& loop_;
  KjTimer timer_;
  bool only_queued_ = false;
};

/// A stream over a connected stream socket, which is made blocking (io_uring does the waiting).
[[nodiscard]] kj::Own<kj::AsyncIoStream> make_stream(Loop& loop, kj::AutoCloseFd socket);

/// A listening socket at `path`. A socket file that nobody listens at any more is replaced.
[[nodiscard]] Result<kj::AutoCloseFd> listen_unix(std::string const& path, mode_t mode = 0600);

/// The next connection. `listener` must be blocking.
[[nodiscard]] kj::Promise<kj::AutoCloseFd> accept_one(Loop& loop, int listener);

[[nodiscard]] kj::Promise<kj::Own<kj::AsyncIoStream>> connect_unix(Loop& loop, std::string const& path);

}  // namespace bulkhead::runtime