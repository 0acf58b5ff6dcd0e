// services/cli/replay_files.h: the files of a replay, opened and checked before anything is started.
//
// Owner   the descriptors go to the holder. Inputs are open for reading, outputs for both.
// Errors  name the file. No output is cut short before everything has been checked.
#pragma once

#include <kj/io.h>

#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "ipc/settings.h"

namespace bulkhead::cli {

struct ReplayFiles {
  std::vector<Settings::Interface> interfaces;   // bridge wiring: two
  std::map<std::string, kj::AutoCloseFd> files;  // in.NAME, out.FILE
  uint64_t input_bytes = 0;
};

/// `words`: NAME=FILE each. Makes `directory`.
[[nodiscard]] Result<ReplayFiles> open_replay_files(const std::vector<std::string>& words,
                                                    const std::string& directory, bool verdicts);

/// The files that a replay writes into its directory: outputs of pktio, in its order.
[[nodiscard]] std::vector<std::string> output_names(const std::vector<Settings::Interface>& interfaces,
                                                    bool verdicts);

inline constexpr const char* kFlowListing = "conntrack.txt";

}  // namespace bulkhead::cli
