// services/cli/drain.h: what pktio had committed and not yet written, into the output files.
//
// Who     instance.cc, when a run ends before pktio says that it is finished. Nobody runs any more: pktio may have
//         ended in order, been killed in the middle of a batch, or stood still for long.
// Crash   as a successor would: the journal is undone first, in a copy, so that the instance's memory is not written;
//         then the same bytes go to the same place (ipc/state/staging.h).
// Result  each file ends where a packet, or a line, ends; a capture that nothing was written to has its header.
#pragma once

#include <string>
#include <vector>

#include "ipc/runtime/holder_client.h"
#include "services/cli/instance.h"

namespace bulkhead::cli {

/// `outputs`: names of the files, in pktio's order. Nothing to do where pktio's objects were never made. `counts` become those of
/// what is in the files then.
[[nodiscard]] Status drain(const runtime::HolderClient& holder, const std::vector<std::string>& outputs, Counts& counts);

}  // namespace bulkhead::cli
