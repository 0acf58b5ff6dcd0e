// ipc/memory/object.h: what stands at the front of every shared object, and a typed look at one that is mapped.
//
// Who     the keeper writes the header once, before anyone else has the object; afterwards nobody does.
// Order   host order: objects never leave the machine.
// Trust   a reader checks header and size when it maps an object (view()); every index that it reads
//         later is checked against `capacity` as it was then, copied to its own memory.
// Version a newer program converts or refuses; an older one is refused what it cannot read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/result.h"

namespace bulkhead::memory {

enum class Layout : uint32_t {
  settings = 1,  // bytes of a Cap'n Proto message behind the header
  commit,
  journal,
  desk,
  ring,
  pool,
  inflight,
  staging,
  pktio_state,
  conntrack_state,
  rules_state,
  nat_state,
  keeper_state,
  answers,
  nat_orders,
  nat_edits,
  flow_views,
  walk,
  header_edits,
  fragments,
  early_marks,
  laned_packets,
  met_counters,
  flow_orders,
  copies,
};

inline constexpr uint64_t kObjectMagic = 0x646165686b6c7562;  // "bulkhead"

struct alignas(64) ObjectHeader {
  uint64_t magic;
  Layout layout;
  uint32_t version;
  uint64_t bytes;     // of the whole object
  uint64_t capacity;  // of what the layout holds: slots, cells, entries...; 0 where it has no such number
};
static_assert(sizeof(ObjectHeader) == 64);

/// The object at `memory` as a T, whose first member is `ObjectHeader header` and which has
/// `static constexpr Layout kLayout; uint32_t kVersion; size_t bytes_for(uint64_t capacity)`.
template <class T>
[[nodiscard]] Result<T*> view(std::string_view name, std::span<std::byte> memory) {
  if (memory.size() < sizeof(ObjectHeader)) return fail("{}: object is shorter than its header", name);
  auto* object = reinterpret_cast<T*>(memory.data());
  ObjectHeader const header = object->header;
  if (header.magic != kObjectMagic) return fail("{}: not a Bulkhead object", name);
  if (header.layout != T::kLayout)
    return fail("{}: holds layout {}, not {}", name, static_cast<uint32_t>(header.layout),
                static_cast<uint32_t>(T::kLayout));
  if (header.version != T::kVersion)
    return fail("{}: layout version {}, this program reads {}", name, header.version, T::kVersion);
  // Whatever is counted has a byte at least; so bytes_for() cannot wrap.
  if (header.bytes != memory.size() || header.capacity > memory.size() ||
      T::bytes_for(header.capacity) > memory.size())
    return fail("{}: {} bytes do not fit capacity {}", name, memory.size(), header.capacity);
  return object;
}

/// Makes zeroed memory an object. The keeper's, and tests'.
template <class T>
void make_object(std::span<std::byte> memory, uint64_t capacity) {
  *reinterpret_cast<ObjectHeader*>(memory.data()) =
      ObjectHeader{kObjectMagic, T::kLayout, T::kVersion, memory.size(), capacity};
}

}  // namespace bulkhead::memory