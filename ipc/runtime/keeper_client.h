// ipc/runtime/keeper_client.h: how a service gets its objects.
//
// Who     every service, first thing (ipc/runtime/service_main.h does it), from the keeper
//         (services/keeper/grant.cc).
// Owner   Grants owns mappings and descriptors; spans and numbers are good while it lives.
// Wait    blocking, with a deadline: a keeper that is absent, stopped or being restarted is asked again.
//         Refused is final: the keeper knows another process as this service, or none.
// Trust   sizes, counts and kinds are checked; a memory that could shrink is refused.
// Crash   nothing happens to the keeper's state by asking.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "ipc/control/control_message.h"
#include "ipc/memory/object.h"
#include "ipc/memory/shared_memory.h"

namespace bulkhead::runtime {

class Grants {
 public:
  Grants() = default;
  Grants(Grants&&) = default;
  Grants& operator=(Grants&&) = default;

  /// Empty where there is no memory of that name.
  [[nodiscard]] std::span<std::byte> memory(std::string_view name) const;
  /// Of anything that was granted; -1 where nothing was.
  [[nodiscard]] int descriptor(std::string_view name) const;
  [[nodiscard]] memory::Right right(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

  /// The memory as its layout, checked.
  template <class T>
  [[nodiscard]] Result<T*> object(std::string_view name) const {
    return memory::view<T>(name, memory(name));
  }

  Status add(const control::Grant& grant, kj::AutoCloseFd descriptor);

 private:
  struct Item {
    control::Grant grant;
    kj::AutoCloseFd descriptor;
    memory::Mapping mapping;
  };
  std::map<std::string, Item, std::less<>> items_;
};

[[nodiscard]] Result<Grants> attach(const std::string& run_dir, std::string_view service,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace bulkhead::runtime