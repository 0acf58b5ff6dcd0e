// ipc/runtime/holding.h: objects that somebody holds, and how the next one comes to hold them too.
//
// Who     starter to holder, holder to each keeper, over the channel that the new process is started with.
// Order   every object, then how many. Who takes over has all of them or an Error.
// Wait    hand_over() does not: the channel has room for all of it.
// Trust   a name that comes twice, an object without a descriptor, another count: an Error.
#pragma once

#include <kj/io.h>

#include <map>
#include <string>

#include "ipc/control/control_message.h"

namespace bulkhead::runtime {

struct HeldObject {
  control::ObjectKind kind = control::ObjectKind::memory;
  kj::AutoCloseFd descriptor;
};
using Holding = std::map<std::string, HeldObject>;

/// A pair of SOCK_SEQPACKET sockets.
struct Channel {
  kj::AutoCloseFd ours, theirs;
};
[[nodiscard]] Result<Channel> make_channel();

[[nodiscard]] Status hand_over(int channel, const Holding& holding);
/// Waits. What came before an Error is in `into` too.
[[nodiscard]] Status take_over(int channel, Holding& into);

}  // namespace bulkhead::runtime
