// ipc/runtime/ending.h: how the processes of an instance are ended: within a second, whatever they do.
//
// Who     the holder; the starter for a holder that did not come so far.
// Order   keeper first, by SIGKILL, so that nobody starts anything; SIGTERM to the services, and SIGKILL to those that are
//         left after kGraceMs.
// Wait    blocking: 900 ms at most, and no longer than anybody lives.
#pragma once

#include <functional>
#include <string>

#include "ipc/runtime/holding.h"

namespace bulkhead::runtime {

/// `keeper`: its pidfd; -1: there is none. The services are the processes in `holding`. `gone`: have all ended? It is asked
/// every millisecond, and may reap.
void end_processes(int keeper, const Holding& holding, const std::function<bool()>& gone);

/// How a process ended, for people: `code` and `status` as waitid(2) has them.
[[nodiscard]] std::string describe_end(int code, int status);

}  // namespace bulkhead::runtime
