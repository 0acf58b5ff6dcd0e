// services/cli/complain.h: what goes wrong with a command, to whoever typed it.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace bulkhead::cli {

/// The exit status that goes with it.
inline int complain(const std::string& why) {
  fmt::print(stderr, "bulkhead: {}\n", why);
  return 1;
}

/// Nothing went wrong, but something may not do what it seems to.
inline void warn(const std::string& what) { fmt::print(stderr, "bulkhead: warning: {}\n", what); }

}  // namespace bulkhead::cli
