// services/cli/spool.h: a capture from standard input, kept where it can be read again.
//
// Who     replay_files.h, for NAME=-. The holder and the keeper hold the descriptor as they do a file's, so that a successor of pktio
//         reads it again.
// Way     a regular file stays what it is; everything else goes, to its end, into a file without a name in the folder for
//         temporary files, or where there is none into memory.
#pragma once

#include <kj/io.h>

#include "common/base/result.h"

namespace bulkhead::cli {

[[nodiscard]] Result<kj::AutoCloseFd> spool(int from);

}  // namespace bulkhead::cli
