// services/cli/status.h: `bulkhead status`: asks a keeper over RPC, and prints.
//
// Wait    a keeper that is being restarted, or hangs, is asked again, for some seconds.
// Exit    0; 1: no instance, several and none named, or no answer.
#pragma once

#include <string>

namespace bulkhead::cli {

struct StatusOptions {
  std::string run_dir;  // empty: the only live one
  bool json = false;
};

[[nodiscard]] int status(const StatusOptions& options);
/// Ends an instance, and waits until it has.
[[nodiscard]] int stop(const StatusOptions& options);

}  // namespace bulkhead::cli
