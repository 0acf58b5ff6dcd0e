// ipc/chain/catalog.h: which objects an instance with these settings consists of.
//
// Who     the keeper makes what is listed here; services find out nothing from it, they get grants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/memory/object.h"
#include "ipc/control/settings.h"

namespace bulkhead::chain {

struct ObjectSpec {
  std::string name;
  memory::Layout layout;
  uint32_t version;
  uint64_t bytes;  // a multiple of the page size is not needed
  uint64_t capacity;
};

/// Every object in shared memory but `config`.
[[nodiscard]] std::vector<ObjectSpec> catalog(const control::Settings& settings);

/// Services that take part in the chain, in the packet's order.
inline constexpr const char* kServices[] = {"pktio", "conntrack", "rules", "nat"};

}  // namespace bulkhead::chain