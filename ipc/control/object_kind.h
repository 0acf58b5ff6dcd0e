// ipc/control/object_kind.h: what the keeper's objects are to the kernel.
#pragma once

#include <cstdint>

namespace bulkhead::control {

enum class ObjectKind : uint8_t { memory, bell, file, socket, process };

}  // namespace bulkhead::control
