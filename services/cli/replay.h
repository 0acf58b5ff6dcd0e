// services/cli/replay.h: `bulkhead replay`.
//
// Exit    0; 1: could not; 2: an input was bad (what was readable of it is processed); 128 + n: ended by
//         signal n.
#pragma once

#include <string>
#include <vector>

#include "common/ruleset/compile/load.h"
#include "ipc/control/settings.h"
#include "services/cli/instance.h"
#include "services/cli/output_folder.h"
#include "services/cli/topology_options.h"

namespace bulkhead::cli {

struct ReplayOptions {
  std::vector<std::string> inputs;  // NAME=FILE
  TopologyOptions topology;         // none: a bridge
  std::string rules;                // file of a ruleset; empty: everything passes
  std::string directory;
  std::string run_dir;
  std::string figures;        // a file for one line of JSON; empty: none
  control::Settings settings;          // knobs; interfaces are filled in
  std::string packet;         // NAME:N: whose walk is written down; empty: none's
  long long first_user = -1;  // -1: default_first_user()
};

/// What a replay leaves behind.
struct Replayed {
  Outcome outcome;
  std::unique_ptr<ruleset::Loaded> ruleset;         // null: there was none
  control::Settings settings;                              // as it was started with
  std::optional<OutputFolder> folder;                      // locked
};

/// The results stand in the directory, but for what is made of the records.
[[nodiscard]] Result<Replayed> run_replay(ReplayOptions options);
[[nodiscard]] int replay(const ReplayOptions& options);

}  // namespace bulkhead::cli
