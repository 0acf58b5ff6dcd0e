#include "services/keeper/holder_link.h"

#include "ipc/runtime/handover.h"

namespace bulkhead::keeper {

Status HolderLink::send_message(const control::HolderMessage& message, int descriptor) const {
  return runtime::send_parcel(socket_, control::encode(message), descriptor, runtime::Patience::wait);
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
