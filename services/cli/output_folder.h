// services/cli/output_folder.h: the folder that a run writes into: nobody else's meanwhile, and without what a run before has left.
//
// Lock    flock(2) of the folder, held as long as anybody has the descriptor: the CLI, and the holder, which outlives a CLI that
//         was killed until the last service has ended.
// Left    what a run writes it names in DIR/.bulkhead-run, with the files' numbers (inodes); the next one removes the files that
//         are still those and that it does not write itself. Whatever else lies in the folder stays.
// Trust   that file is somebody's input: only names without a slash are taken from it, of regular files.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include <kj/io.h>

#include "common/base/result.h"

namespace bulkhead::cli {

class OutputFolder {
 public:
  /// Made if it is missing. Fails where another run has it.
  [[nodiscard]] static Result<OutputFolder> take(std::string path);

  /// Removes what an earlier run left, but `names` and the files that are `spared`.
  void clear(const std::vector<std::string>& names, const std::function<bool(dev_t, ino_t)>& spared) const;
  /// For the next run.
  [[nodiscard]] Status remember(const std::vector<std::string>& names) const;
  [[nodiscard]] Result<kj::AutoCloseFd> lock() const;

 private:
  OutputFolder(std::string path, kj::AutoCloseFd folder) : path_(std::move(path)), folder_(kj::mv(folder)) {}

  std::string path_;
  kj::AutoCloseFd folder_;
};

}  // namespace bulkhead::cli
