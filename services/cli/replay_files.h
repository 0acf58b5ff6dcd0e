// services/cli/replay_files.h: the files of a replay, opened and checked before anything is started.
//
// Owner   the descriptors go to the instance. Inputs are open for reading, outputs for both.
// Errors  name the file. No output is cut short before everything has been checked.
#pragma once

#include <kj/io.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "ipc/control/settings.h"
#include "services/cli/output_folder.h"
#include "services/cli/topology_options.h"

namespace bulkhead::cli {

struct ReplayFiles {
  std::map<std::string, kj::AutoCloseFd> files;  // in.NAME, out.FILE
  uint64_t input_bytes = 0;
  OutputFolder folder;  // ours until the last file is written
};

/// Asked once the interfaces are known and before anything is written; may refuse.
using BeforeOutputs = std::function<Status(control::Settings&)>;

/// `words`: NAME=FILE each. Fills in the interfaces and the topology of `settings`; makes `directory`.
[[nodiscard]] Result<ReplayFiles> open_replay_files(const std::vector<std::string>& words,
                                                    const TopologyOptions& topology, const std::string& directory,
                                                    control::Settings& settings, const BeforeOutputs& before_outputs);

inline constexpr const char* kFlowListing = "conntrack.txt";
inline constexpr const char* kRulesetListing = "ruleset.nft";

}  // namespace bulkhead::cli
