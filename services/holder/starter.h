// services/holder/starter.h: the holder's end of its talk with whoever started it.
//
// Who     the holder. The other end: ipc/runtime/holder_client.h.
// Wait    never but in finish(): a starter that is stopped (Ctrl-Z) must stop nobody else. What its socket has no room for
//         waits in `outbox_`, one letter a subject, so that a starter that never reads costs no more than that.
// Errors  sending to one that is gone fails in silence: its hang-up is heard as `end`.
// Trust   after the hand-over it may say stop; whatever else it says is taken for that too.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ipc/control/control_message.h"
#include "ipc/runtime/loop.h"

namespace bulkhead::holder {

class Starter {
 public:
  /// `end`: it wants the instance to end, or has gone. The socket is the caller's.
  Starter(runtime::Loop& loop, int socket, std::function<void()> end);

  /// What the starter is to have too: a memory, to be read, and a process. Nothing else is sent.
  void forward(const std::string& name, control::ObjectKind kind, int descriptor);
  void ask_stop();
  void report_failure(const std::string& reason);
  void report_usage(const std::string& name, const control::Usage& usage);
  /// Sends what waits, as far as somebody reads it.
  void finish();

 private:
  struct Letter {
    control::Bytes bytes;
    kj::AutoCloseFd descriptor;
  };
  void post(const std::string& subject, const control::HolderMessage& message,
            kj::AutoCloseFd descriptor = nullptr);
  void send();
  void listen();

  int socket_;
  std::function<void()> end_;
  std::map<std::string, Letter> outbox_;
  runtime::Operation spoke_;
  runtime::Operation writable_;
};

}  // namespace bulkhead::holder
