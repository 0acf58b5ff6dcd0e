// ipc/runtime/spawn.h: starting another program of ours.
//
// Who     whoever wants an instance starts its holder, the holder the keeper, the keeper services.
// Gate    a child with a gate does nothing, not even exec, before open_gate(). If the parent dies first, the child
//         sees the gate's end and exits: between fork and the moment at which others know of it there is no
//         process that could do anything.
// Owner   the pidfd is the caller's. All other descriptors of the parent are closed in the child
//         (close-on-exec).
// Thread  fork() from one thread; the child uses nothing that another could have locked.
// Errors  of the child show as its exit: 126 could not change user or directory, 127 could not exec.
#pragma once

#include <kj/io.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace bulkhead::runtime {

struct Program {
  std::string path;
  std::vector<std::string> arguments;  // without the program's name
  std::string directory;               // that it is started in; empty: ours
  std::optional<uid_t> user;           // and group; no other groups, and no_new_privs
  int inherit = -1;                    // becomes kInherited
  bool new_session = false;            // so that a terminal's Ctrl-C goes to us only
  bool gated = false;
};

inline constexpr int kInherited = 3;

struct Child {
  pid_t pid = 0;
  kj::AutoCloseFd pidfd;
  kj::AutoCloseFd gate;
};

[[nodiscard]] Result<Child> spawn(const Program& program);
void open_gate(Child& child);

/// The folder of the running program, with the others beside it.
[[nodiscard]] std::string program_directory();

/// pidfd_send_signal; false where the process is gone.
bool send_signal(int pidfd, int signal);
/// Has the process ended, or does it within `patience`? (It may still be a zombie.)
[[nodiscard]] bool has_ended(int pidfd, std::chrono::milliseconds patience = std::chrono::milliseconds(0));
/// Of a pidfd, by /proc/self/fdinfo; 0 where the process has ended and been reaped.
[[nodiscard]] pid_t pid_of(int pidfd);

}  // namespace bulkhead::runtime