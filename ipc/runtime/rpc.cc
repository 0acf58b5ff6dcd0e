#include "ipc/runtime/rpc.h"

#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>

namespace bulkhead::runtime {
namespace {

using VatId = capnp::rpc::twoparty::VatId;
using Side = capnp::rpc::twoparty::Side;
using Segments = kj::ArrayPtr<kj::ArrayPtr<capnp::word const> const>;

constexpr auto kAcceptPause = 100 * kj::MILLISECONDS;

capnp::ReaderOptions reader_options(RpcLimits const& limits) {
  return {limits.message_bytes / sizeof(capnp::word), static_cast<int>(limits.nesting)};
}

/// RpcSystem ends every connection with an Abort that says why; DISCONNECTED is the peer's own leave.
bool is_complaint(Segments segments) {
  capnp::SegmentArrayMessageReader message(segments);
  auto root = message.getRoot<capnp::rpc::Message>();
  return root.isAbort() && root.getAbort().getType() != capnp::rpc::Exception::Type::DISCONNECTED;
}

/// The stream of messages of one client of a server. Who does not take answers is not read (RpcSystem
/// queues answers without bound), and is cut off after a while. Only one side of a connection may do
/// this, or two that write to each other would wait for ever.
class GuardedMessages final : public capnp::MessageStream {
 public:
  GuardedMessages(kj::AsyncIoStream& stream, kj::Timer& timer, RpcLimits const& limits)
      : messages_(stream),
        timer_(timer),
        write_time_(static_cast<int64_t>(limits.write_ns) * kj::NANOSECONDS) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool stuck() const { return stuck_; }

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(
      kj::ArrayPtr<kj::AutoCloseFd> fds, capnp::ReaderOptions options,
      kj::ArrayPtr<capnp::word> scratch) override {
    if (writes_ == 0) return messages_.tryReadMessage(fds, options, scratch);
    auto written = kj::newPromiseAndFulfiller<void>();
    all_written_ = kj::mv(written.fulfiller);
    return written.promise.then([=, this] { return messages_.tryReadMessage(fds, options, scratch); });
  }

  kj::Promise<void> writeMessage(kj::ArrayPtr<int const> fds, Segments segments) override {
    failed_ = failed_ || is_complaint(segments);
    return guarded(messages_.writeMessage(fds, segments));
  }

  kj::Promise<void> writeMessages(kj::ArrayPtr<Segments> messages) override {
    for (Segments segments : messages) failed_ = failed_ || is_complaint(segments);
    return guarded(messages_.writeMessages(messages));
  }

  kj::Maybe<int> getSendBufferSize() override { return messages_.getSendBufferSize(); }
  kj::Promise<void> end() override { return messages_.end(); }

 private:
  kj::Promise<void> guarded(kj::Promise<void> write) {
    ++writes_;
    auto too_late = timer_.afterDelay(write_time_).then([this]() -> kj::Promise<void> {
      stuck_ = true;
      return KJ_EXCEPTION(DISCONNECTED, "the client does not read its answers");
    });
    return write.exclusiveJoin(kj::mv(too_late)).attach(kj::defer([this] { written(); }));
  }

  void written() {
    if (--writes_ > 0) return;
    KJ_IF_MAYBE (waiting, all_written_) (*waiting)->fulfill();
    all_written_ = nullptr;
  }

  capnp::AsyncIoMessageStream messages_;
  kj::Timer& timer_;
  kj::Duration write_time_;
  uint32_t writes_ = 0;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> all_written_;
  bool failed_ = false;
  bool stuck_ = false;
};

struct Session {
  Session(ControlLoop& control, kj::AutoCloseFd socket, capnp::Capability::Client bootstrap,
          RpcLimits const& limits)
      : stream(make_stream(control.loop(), kj::mv(socket))),
        messages(*stream, control.timer(), limits),
        network(messages, Side::SERVER, reader_options(limits)),
        rpc(capnp::makeRpcServer(network, kj::mv(bootstrap))) {
    rpc.setFlowLimit(limits.calls_bytes / sizeof(capnp::word));
  }

  kj::Own<kj::AsyncIoStream> stream;
  GuardedMessages messages;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<VatId> rpc;
};

}  // namespace

ControlLoop::ControlLoop(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), port_(*loop_), event_loop_(port_), wait_scope_(event_loop_) {}

Result<std::unique_ptr<ControlLoop>> ControlLoop::create(unsigned entries) {
  auto loop = Loop::create(entries);
  if (!loop) return tl::unexpected(loop.error());
  return std::unique_ptr<ControlLoop>(new ControlLoop(std::move(*loop)));  // the constructor is private
}

void ControlLoop::run_events() {
  port_.only_what_is_queued(true);
  wait_scope_.poll();
  port_.only_what_is_queued(false);
}

void ControlLoop::wait() {
  if (!event_loop_.isRunnable()) loop_->wait();
  if (event_loop_.isRunnable()) run_events();
}

void ControlLoop::wait_for(uint64_t ns) {
  if (!event_loop_.isRunnable()) loop_->wait_for(ns);
  if (event_loop_.isRunnable()) run_events();
}

class RpcServer::Impl final : private kj::TaskSet::ErrorHandler {
 public:
  Impl(ControlLoop& control, kj::AutoCloseFd listener, capnp::Capability::Client bootstrap,
       RpcLimits const& limits)
      : control_(control),
        listener_(kj::mv(listener)),
        bootstrap_(kj::mv(bootstrap)),
        limits_(limits),
        sessions_(*this),
        accepting_(accept().eagerlyEvaluate(nullptr)) {}

  [[nodiscard]] RpcCounters const& counters() const { return counters_; }

 private:
  kj::Promise<void> accept() {
    return accept_one(control_.loop(), listener_)
        .then(
            [this](kj::AutoCloseFd socket) -> kj::Promise<void> {
              admit(kj::mv(socket));
              return kj::READY_NOW;
            },
            [this](kj::Exception&&) {
              ++counters_.accept_errors;
              return control_.timer().afterDelay(kAcceptPause);
            })
        .then([this] { return accept(); });
  }

  void admit(kj::AutoCloseFd socket) {
    if (counters_.accepted - counters_.ended >= limits_.clients) {
      ++counters_.refused;
      return;
    }
    ++counters_.accepted;
    auto session = kj::heap<Session>(control_, kj::mv(socket), bootstrap_, limits_);
    auto over = session->network.onDisconnect();
    GuardedMessages& messages = session->messages;
    // What is attached first is dropped first: the account is settled before the session goes.
    sessions_.add(over.attach(kj::defer([this, &messages] { settle(messages); })).attach(kj::mv(session)));
  }

  void settle(GuardedMessages const& messages) {
    ++counters_.ended;
    if (messages.stuck()) {
      ++counters_.stuck;
    } else if (messages.failed()) {
      ++counters_.failed;
    }
  }

  void taskFailed(kj::Exception&&) override {}  // settle() has counted it

  ControlLoop& control_;
  kj::AutoCloseFd listener_;
  capnp::Capability::Client bootstrap_;
  RpcLimits limits_;
  RpcCounters counters_;
  kj::TaskSet sessions_;
  kj::Promise<void> accepting_;
};

RpcServer::RpcServer(ControlLoop& control, kj::AutoCloseFd listener, capnp::Capability::Client bootstrap,
                     RpcLimits const& limits)
    : impl_(std::make_unique<Impl>(control, kj::mv(listener), kj::mv(bootstrap), limits)) {}

RpcServer::~RpcServer() = default;

RpcCounters const& RpcServer::counters() const { return impl_->counters(); }

RpcClient::RpcClient(kj::Own<kj::AsyncIoStream> stream, RpcLimits const& limits)
    : stream_(kj::mv(stream)),
      network_(*stream_, Side::CLIENT, reader_options(limits)),
      rpc_(capnp::makeRpcClient(network_)) {}

kj::Promise<kj::Own<RpcClient>> RpcClient::connect(ControlLoop& control, std::string const& path,
                                                   RpcLimits const& limits) {
  return connect_unix(control.loop(), path).then([limits](kj::Own<kj::AsyncIoStream> stream) {
    return kj::heap<RpcClient>(kj::mv(stream), limits);
  });
}

capnp::Capability::Client RpcClient::bootstrap() {
  capnp::MallocMessageBuilder message(4);
  auto server = message.getRoot<VatId>();
  server.setSide(Side::SERVER);
  return rpc_.bootstrap(server);
}

}  // namespace bulkhead::runtime