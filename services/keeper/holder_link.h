// services/keeper/holder_link.h: the keeper's end of its talk with the holder.
//
// Who     the keeper, which has taken over what earlier ones had deposited (ipc/runtime/holding.h). The other end:
//         services/holder/holder.cc.
// Wait    deposit() blocks until the holder has said that it holds the copy. While the holder is stopped the keeper
//         stops with it: it must not start what nobody else would know of.
// Errors  of deposit() mean that the holder is gone: the keeper ends the instance.
#pragma once

#include <kj/io.h>

#include <string>

#include "ipc/control/control_message.h"

namespace bulkhead::keeper {

class HolderLink {
 public:
  explicit HolderLink(kj::AutoCloseFd socket) : socket_(kj::mv(socket)) {}

  [[nodiscard]] Status deposit(const std::string& name, control::ObjectKind kind, int descriptor);

  void ask_stop() const { (void)send_message(control::StopAll{}); }
  void report_failure(const std::string& reason) const { (void)send_message(control::Failed{reason}); }

  /// Reports POLLIN and POLLHUP when the holder has gone.
  [[nodiscard]] int socket() const { return socket_; }

 private:
  [[nodiscard]] Status send_message(const control::HolderMessage& message, int descriptor = -1) const;

  kj::AutoCloseFd socket_;
};

}  // namespace bulkhead::keeper
