// services/keeper/manifest.h: who may have what. The one place where that is written down.
//
// Who     grant.cc hands out by it, status.cc knows from it who exists.
// Rule    a memory has one writer. The kernel enforces it: who only reads gets a read-only descriptor.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/control/control_message.h"

namespace bulkhead::keeper {

struct Entry {
  const char* service;
  const char* object;  // a name, or its beginning and '*'
  control::ObjectKind kind;
  memory::Right right;
};

[[nodiscard]] std::span<const Entry> manifest();

/// The line by which `service` has `object`; null: it has not.
[[nodiscard]] const Entry* entitled(std::string_view service, std::string_view object);

/// A ring, and where its reader's desk has its head.
struct Inlet {
  const char* service;
  const char* ring;
  unsigned head;  // Desk::heads
};
[[nodiscard]] std::span<const Inlet> inlets();

}  // namespace bulkhead::keeper
