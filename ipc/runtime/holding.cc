#include "ipc/runtime/holding.h"

#include <sys/socket.h>

#include <array>

#include "ipc/runtime/handover.h"

namespace bulkhead::runtime {
namespace {

constexpr int kSendBuffer = 1 << 20;  // everything at once

}  // namespace

Result<Channel> make_channel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "socketpair");
  for (int const end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  return Channel{kj::AutoCloseFd(ends[0]), kj::AutoCloseFd(ends[1])};
}

Status hand_over(int channel, const Holding& holding) {
  auto const send = [channel](const control::HolderMessage& message, int descriptor) {
    return send_parcel(channel, control::encode(message), descriptor, Patience::none);
  };
  for (const auto& [name, held] : holding)
    if (auto sent = send(control::Held{name, held.kind}, held.descriptor); !sent) return sent;
  return send(control::AllHeld{static_cast<uint32_t>(holding.size())}, -1);
}

Status take_over(int channel, Holding& into) {
  for (;;) {
    auto parcel = receive_parcel(channel, Patience::wait);
    if (!parcel) return tl::unexpected(parcel.error());
    if (!*parcel) return fail("who hands over hung up");
    auto message = control::decode_holder_message((*parcel)->bytes);
    if (!message) return tl::unexpected(message.error());
    if (const auto* all = std::get_if<control::AllHeld>(&*message)) {
      if (all->objects == into.size()) return {};
      return fail("{} objects were to be handed over, {} came", all->objects, into.size());
    }
    const auto* held = std::get_if<control::Held>(&*message);
    if (held == nullptr || (*parcel)->descriptor.get() < 0)
      return fail("something else than an object was handed over");
    if (!into.try_emplace(held->name, HeldObject{held->kind, kj::mv((*parcel)->descriptor)}).second)
      return fail("{}: was handed over twice", held->name);
  }
}

}  // namespace bulkhead::runtime
