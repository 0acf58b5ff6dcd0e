// common/base/whole_file.h: a file's bytes, whatever it is: a folder, a device that never ends, a pipe.
//
// Errors  say why: it is a folder, it is larger than that, the system's own words. Nothing throws.
#pragma once

#include <string>

#include "common/base/result.h"

namespace bulkhead {

/// `most` bytes at most. "-" is standard input. The error names no file: the caller knows how it is called.
Result<std::string> read_whole_file(const std::string& path, size_t most);

}  // namespace bulkhead
