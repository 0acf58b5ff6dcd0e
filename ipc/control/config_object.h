// ipc/control/config_object.h: the settings as the sealed object `config`.
//
// Who     whoever starts a holder makes it; keeper and services read it when they start. Nobody can write it any more.
// Units   length: bytes of the Cap'n Proto message (schema/settings.capnp) that follow.
#pragma once

#include "ipc/control/settings.h"
#include "ipc/memory/object.h"
#include "ipc/memory/shared_memory.h"

namespace bulkhead::control {

struct ConfigObject {
  static constexpr memory::Layout kLayout = memory::Layout::settings;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(memory::ObjectHeader) + sizeof(uint64_t); }

  memory::ObjectHeader header;
  uint64_t length;
};

/// The descriptor is read-only.
[[nodiscard]] Result<kj::AutoCloseFd> make_config(const Settings& settings);
[[nodiscard]] Result<Settings> read_config(std::span<std::byte> object);

}  // namespace bulkhead::control