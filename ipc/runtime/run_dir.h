// ipc/runtime/run_dir.h: where an instance has its sockets: RUN/objects.sock (services), RUN/keeper.sock (people).
//
// Who     the CLI finds and makes it; keeper, holder or CLI remove it: whichever is last.
// Place   $XDG_RUNTIME_DIR/bulkhead/NAME, else /tmp/bulkhead-UID/NAME, unless --run says otherwise.
// Trust   the base directory must belong to us. Nothing but our two sockets is ever removed from a run
//         directory.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace bulkhead::runtime {

[[nodiscard]] std::string run_base();
/// Makes the directory (mode 0711, for services are other users) and those above it. One that a live instance
/// uses is an error; what a dead one left is removed. Gives its absolute path.
[[nodiscard]] Result<std::string> make_run_dir(const std::string& wanted);
void remove_run_dir(const std::string& path);

/// Is somebody behind RUN/keeper.sock?
[[nodiscard]] bool instance_lives(const std::string& run_dir);
/// Run directories of live instances under run_base().
[[nodiscard]] std::vector<std::string> live_instances();

}  // namespace bulkhead::runtime