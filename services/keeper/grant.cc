#include "services/keeper/grant.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "ipc/runtime/handover.h"
#include "ipc/runtime/logging.h"

namespace bulkhead::keeper {
namespace {

constexpr size_t kMaxAsking = 32;
constexpr uint64_t kPauseNs = 50'000'000;  // after a failed accept: no descriptor left, say
constexpr int kSendBuffer = 1 << 20;       // all grants of a service at once

}  // namespace

struct Granter::Asking {
  Asking(Granter& granter, kj::AutoCloseFd connected)
      : socket(kj::mv(connected)),
        hello(granter.loop_, [this, &granter](int result) { granter.heard(*this, result); }) {}

  kj::AutoCloseFd socket;
  std::array<std::byte, control::kMaxMessage> bytes{};
  runtime::Operation hello;
};

Granter::Granter(runtime::Loop& loop, Registry& registry, const Watch& watch, std::vector<chain::Grant> grants,
                 int listener)
    : loop_(loop),
      registry_(registry),
      watch_(watch),
      grants_(std::move(grants)),
      listener_(listener),
      accept_(loop, [this](int result) { accepted(result); }),
      pause_(loop, [this](int) { accept_.accept(listener_); }) {
  accept_.accept(listener_);
}

Granter::~Granter() = default;

void Granter::accepted(int result) {
  if (result < 0) return pause_.after(kPauseNs);
  kj::AutoCloseFd socket(result);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  if (asking_.size() == kMaxAsking) asking_.pop_front();
  asking_.push_back(std::make_unique<Asking>(*this, kj::mv(socket)));
  Asking& asking = *asking_.back();
  asking.hello.receive(asking.socket, asking.bytes);
  accept_.accept(listener_);
}

void Granter::heard(Asking& asking, int result) {
  if (result > 0) {
    auto const service = who(asking, std::span(asking.bytes).first(static_cast<size_t>(result)));
    if (!service) {
      spdlog::warn("refused: {}", service.error().message);
      (void)runtime::send_parcel(asking.socket, control::encode(control::ToService{control::Refused{service.error().message}}), -1,
                        runtime::Patience::none);
    } else if (auto granted = grant_all(asking.socket, *service); !granted) {
      spdlog::warn("{}: grants: {}", *service, granted.error().message);
    }
  }
  std::erase_if(asking_, [&](const auto& one) { return one.get() == &asking; });
}

Result<std::string> Granter::who(const Asking& asking, std::span<const std::byte> bytes) const {
  auto hello = control::decode_hello(bytes);
  if (!hello) return tl::unexpected(hello.error());
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(asking.socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno(errno, "SO_PEERCRED");
  pid_t const expected = watch_.expected(hello->service);
  if (expected == 0)
    return fail("pid {} asks as '{}', which no process may be now", peer.pid, hello->service);
  if (expected != peer.pid)
    return fail("pid {} asks as '{}', which is pid {}", peer.pid, hello->service, expected);
  return hello->service;
}

Status Granter::grant_all(int socket, const std::string& service) {
  std::vector<std::pair<std::string, memory::Right>> names;
  registry_.each([&](const std::string& name, control::ObjectKind kind) {
    const chain::Grant* const grant = chain::entitled(grants_, service, name);
    if (grant != nullptr && grant->kind == kind) names.emplace_back(name, grant->right);
  });
  for (const auto& [name, right] : names) {
    auto handout = registry_.hand_out(name, right);
    if (!handout) return tl::unexpected(handout.error());
    auto sent = runtime::send_parcel(socket, control::encode(control::ToService{handout->grant}), handout->descriptor, runtime::Patience::none);
    if (!sent) return sent;
  }
  return runtime::send_parcel(socket, control::encode(control::ToService{control::Done{static_cast<uint32_t>(names.size())}}), -1,
                     runtime::Patience::none);
}

}  // namespace bulkhead::keeper
