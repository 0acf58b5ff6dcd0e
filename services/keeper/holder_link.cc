#include "services/keeper/holder_link.h"

#include "ipc/runtime/handover.h"

namespace bulkhead::keeper {

Status HolderLink::send_message(const control::HolderMessage& message, int descriptor) const {
  return runtime::send_parcel(socket_, control::encode(message), descriptor, runtime::Patience::wait);
}

Status HolderLink::take_over(std::vector<Possession>& into) {
  for (;;) {
    auto parcel = runtime::receive_parcel(socket_, runtime::Patience::wait);
    if (!parcel) return tl::unexpected(parcel.error());
    if (!*parcel) return fail("the holder hung up");
    auto message = control::decode_holder_message((*parcel)->bytes);
    if (!message) return tl::unexpected(message.error());
    if (const auto* all = std::get_if<control::AllHeld>(&*message)) {
      if (all->objects == into.size()) return {};
      return fail("the holder says {} objects, {} came", all->objects, into.size());
    }
    const auto* held = std::get_if<control::Held>(&*message);
    if (held == nullptr || (*parcel)->descriptor.get() < 0)
      return fail("the holder sent something else than an object");
    into.push_back({*held, kj::mv((*parcel)->descriptor)});
  }
}

Status HolderLink::deposit(const std::string& name, control::ObjectKind kind, int descriptor) {
  if (auto sent = send_message(control::Deposit{name, kind}, descriptor); !sent) return sent;
  auto answer = runtime::receive_parcel(socket_, runtime::Patience::wait);
  if (!answer) return tl::unexpected(answer.error());
  if (!*answer) return fail("the holder hung up");
  auto message = control::decode_holder_message((*answer)->bytes);
  if (!message) return tl::unexpected(message.error());
  const auto* deposited = std::get_if<control::Deposited>(&*message);
  if (deposited == nullptr || deposited->name != name) return fail("{}: the holder did not take it", name);
  return {};
}

}  // namespace bulkhead::keeper
