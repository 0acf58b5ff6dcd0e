// ipc/control/control_message.h: the messages of ipc/control/schema/keeper.capnp (objects.sock) and
// holder.capnp, as plain values.
//
// Who     services and keeper; keeper and holder; holder and starter. Descriptors travel beside the bytes
//         (ipc/runtime/handover.h).
// Trust   decode functions take anything: what is cut short, nested, oversized or has an unknown kind is refused.
//         Names are 1 to 255 printable characters without '/'. Fuzzed by tests/fuzz/control_fuzz.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "ipc/control/object_kind.h"
#include "ipc/memory/shared_memory.h"

namespace bulkhead::control {

inline constexpr size_t kMaxMessage = 4096;  // bytes of one

// Service and keeper.
struct Hello {
  std::string service;
};
struct Grant {
  std::string name;
  ObjectKind kind = ObjectKind::memory;
  memory::Right right = memory::Right::read;
  uint64_t bytes = 0;  // of a memory
};
struct Done {
  uint32_t grants = 0;  // that went before
};
struct Refused {
  std::string reason;
};
using ToService = std::variant<Grant, Done, Refused>;

// Starter, holder and keeper; see the schema for who sends which.
struct Held {
  std::string name;
  ObjectKind kind = ObjectKind::memory;
};
struct AllHeld {
  uint32_t objects = 0;
};
struct Deposit {
  std::string name;
  ObjectKind kind = ObjectKind::memory;
};
struct Deposited {
  std::string name;
};
struct StopAll {};
struct Failed {
  std::string reason;
};
/// What a service's (or the keeper's) processes used, of those that ended under the holder.
struct Usage {
  uint64_t user_ns = 0, system_ns = 0;
  uint64_t waits = 0, preemptions = 0;  // voluntary and involuntary context switches
  uint64_t peak_kib = 0;                // of the largest process
  uint64_t processes = 0;
};
struct Used {
  std::string name;
  Usage usage;
};
using HolderMessage = std::variant<Held, AllHeld, Deposit, Deposited, StopAll, Failed, Used>;

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes encode(const Hello& hello);
[[nodiscard]] Bytes encode(const ToService& what);
[[nodiscard]] Bytes encode(const HolderMessage& what);
[[nodiscard]] Result<Hello> decode_hello(std::span<const std::byte> bytes);
[[nodiscard]] Result<ToService> decode_to_service(std::span<const std::byte> bytes);
[[nodiscard]] Result<HolderMessage> decode_holder_message(std::span<const std::byte> bytes);

[[nodiscard]] bool is_object_name(std::string_view name);

}  // namespace bulkhead::control