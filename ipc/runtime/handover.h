// ipc/runtime/handover.h: messages with a descriptor over a SOCK_SEQPACKET socket.
//
// Who     keeper, holder and its starter, and services while they start.
// Owner   send: the caller keeps its descriptor. receive: what came is the caller's, close-on-exec.
// Errors  a message that was cut off (MSG_TRUNC, MSG_CTRUNC) is an Error; what came with it is closed.
// Trust   at most one descriptor a message; of more, all are closed and the message refused.
#pragma once

#include <kj/io.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace bulkhead::runtime {

struct Parcel {
  std::vector<std::byte> bytes;
  kj::AutoCloseFd descriptor;  // null: none came
};

enum class Patience : bool { none, wait };  // none: MSG_DONTWAIT

[[nodiscard]] Status send_parcel(int socket, std::span<const std::byte> bytes, int descriptor,
                                 Patience patience);

/// Empty optional: the other side has hung up. An Error with Patience::none also where nothing
/// is there yet: ask readable() first.
[[nodiscard]] Result<std::optional<Parcel>> receive_parcel(int socket, Patience patience);

/// Is there a message, or a hang-up, to be received?
[[nodiscard]] bool readable(int socket, std::chrono::milliseconds patience);

/// A listening socket at directory/name; the path may be longer than sun_path. A file that is there is
/// replaced.
[[nodiscard]] Result<kj::AutoCloseFd> listen_parcels(const std::string& directory, const std::string& name,
                                                     unsigned mode);
/// One try. `patience` is for connecting and for each receive.
[[nodiscard]] Result<kj::AutoCloseFd> connect_parcels(const std::string& directory, const std::string& name,
                                                      std::chrono::milliseconds patience);

/// A directory as a path that is short enough for sun_path; `handle` keeps it good.
struct ShortPath {
  kj::AutoCloseFd handle;
  std::string path;  // /proc/self/fd/N
};
[[nodiscard]] Result<ShortPath> shorten(const std::string& directory);

}  // namespace bulkhead::runtime