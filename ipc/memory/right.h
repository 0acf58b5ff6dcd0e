// ipc/memory/right.h: what a process may do with memory that it has.
#pragma once

#include <cstdint>

namespace bulkhead::memory {

enum class Right : uint8_t { read, write };

}  // namespace bulkhead::memory
