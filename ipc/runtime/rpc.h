// ipc/runtime/rpc.h: Cap'n Proto RPC over unix stream sockets, on the process's one loop.
//
// Who     ControlLoop: main() of every process that speaks RPC. RpcServer: keeper, rules, sync, ...
//         RpcClient: the CLI and services that call each other.
// Thread  one; an EventLoop belongs to the thread that made it.
// Owner   ControlLoop is made first and destroyed last. Whoever makes an RpcServer or RpcClient drops
//         all promises and capabilities that came from it before it.
// Trust   a client may send anything, nothing, too much, or not read its answers: it loses its own
//         connection, with a counter, and costs at most RpcLimits.
// Crash   calls in flight fail with DISCONNECTED on the other side; no state survives.
// Source  capnp/rpc-twoparty.h, capnp/ez-rpc.c++ (how a connection owns its parts).
#pragma once

#include <capnp/capability.h>
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "ipc/runtime/kj_port.h"
#include "ipc/runtime/loop.h"

namespace bulkhead::runtime {

/// Loop, KJ event port, event loop and wait scope of a process.
///
/// Packet service:   for (;;) { if (stage.step() == 0) control.wait(); else control.run_ready(); }
/// Control program:  auto answer = control.await(client.request().send());
class ControlLoop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ControlLoop>> create(unsigned entries = 256);
  ControlLoop(ControlLoop const&) = delete;
  ControlLoop& operator=(ControlLoop const&) = delete;

  [[nodiscard]] Loop& loop() { return *loop_; }
  [[nodiscard]] KjPort& port() { return port_; }
  [[nodiscard]] kj::Timer& timer() { return port_.timer(); }
  [[nodiscard]] kj::WaitScope& wait_scope() { return wait_scope_; }

  /// Callbacks that are ready, then the KJ events they caused. No system call when there is nothing.
  /// Gives the number of callbacks.
  size_t run_ready() {
    size_t called = loop_->run_ready();
    if (event_loop_.isRunnable()) run_events();
    return called;
  }

  /// Sleeps until something has run: a callback, or KJ events that were queued already.
  void wait();
  void wait_for(uint64_t ns);

  /// Runs everything until `promise` is done. Its exception becomes the Error.
  template <class T>
  Result<T> await(kj::Promise<T> promise);

 private:
  explicit ControlLoop(std::unique_ptr<Loop> loop);
  void run_events();

  std::unique_ptr<Loop> loop_;
  KjPort port_;
  kj::EventLoop event_loop_;
  kj::WaitScope wait_scope_;
};

struct RpcLimits {
  uint32_t clients = 64;               // connected at once; the next is closed at once
  uint64_t message_bytes = 8 << 20;    // largest message from a client
  uint32_t nesting = 64;               // deepest message from a client
  uint64_t calls_bytes = 32 << 20;     // calls of one client that wait for their answers
  uint64_t write_ns = 10'000'000'000;  // how long a client may leave an answer unread
};

struct RpcCounters {
  uint64_t accepted = 0;
  uint64_t refused = 0;        // one client too many
  uint64_t failed = 0;         // of those accepted: ended for garbage or a message beyond limits
  uint64_t stuck = 0;          // of those accepted: ended for not reading
  uint64_t ended = 0;          // of those accepted: gone, for whatever reason
  uint64_t accept_errors = 0;  // no descriptor left, say; tried again 100 ms later
};

/// Serves one capability to every client that connects to a listening socket (listen_unix).
class RpcServer {
 public:
  RpcServer(ControlLoop& control, kj::AutoCloseFd listener, capnp::Capability::Client bootstrap,
            RpcLimits const& limits = {});
  ~RpcServer();
  RpcServer(RpcServer const&) = delete;
  RpcServer& operator=(RpcServer const&) = delete;

  [[nodiscard]] RpcCounters const& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One connection to a server. Calls through its capabilities fail once the connection is gone.
class RpcClient {
 public:
  /// `limits`: message_bytes and nesting hold for the server's answers; the others do not apply.
  [[nodiscard]] static kj::Promise<kj::Own<RpcClient>> connect(ControlLoop& control, std::string const& path,
                                                               RpcLimits const& limits = {});
  RpcClient(kj::Own<kj::AsyncIoStream> stream, RpcLimits const& limits);
  RpcClient(RpcClient const&) = delete;
  RpcClient& operator=(RpcClient const&) = delete;

  [[nodiscard]] capnp::Capability::Client bootstrap();
  [[nodiscard]] kj::Promise<void> on_disconnect() { return network_.onDisconnect(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

template <class T>
Result<T> ControlLoop::await(kj::Promise<T> promise) {
  try {
    return promise.wait(wait_scope_);
  } catch (kj::Exception const& error) {
    return fail("{}", error.getDescription().cStr());
  }
}

template <>
inline Status ControlLoop::await(kj::Promise<void> promise) {
  return await(promise.then([] { return true; })).map([](bool) {});
}

}  // namespace bulkhead::runtime