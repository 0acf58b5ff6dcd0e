// services/keeper/holder_link.h: the keeper's end of its talk with the holder.
//
// Who     the keeper. The other end: services/cli/holder.cc.
// Wait    deposit() blocks until the holder has said that it holds the copy. While the holder
//         is stopped the keeper stops with it: it must not start what nobody else would know
//         of.
// Errors  of deposit() and take_over() mean that the holder is gone: the keeper ends the instance.
#pragma once

#include <kj/io.h>

#include <string>
#include <vector>

#include "ipc/control/control_message.h"

namespace bulkhead::keeper {

struct Possession {
  control::Held what;
  kj::AutoCloseFd descriptor;
};

class HolderLink {
 public:
  explicit HolderLink(kj::AutoCloseFd socket) : socket_(kj::mv(socket)) {}

  /// First, and once: all that earlier keepers had deposited. What came before an error is in `into` too.
  [[nodiscard]] Status take_over(std::vector<Possession>& into);
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
