// services/keeper/registry.h: every object there is, by name.
//
// Who     the keeper makes, keeps and hands out; nobody else has all of them.
// Order   an object is complete (size, header, seals), then the holder has a copy, then it is here, then
//         somebody may get it. A keeper that dies in between leaves an object that nobody knows, which the
//         kernel frees.
// Owner   descriptors and mappings are the registry's. Numbers and spans are good until the name is kept
//         anew.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ipc/chain/chain.h"
#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/holding.h"
#include "services/keeper/holder_link.h"

namespace bulkhead::keeper {

class Registry {
 public:
  explicit Registry(HolderLink& holder) : holder_(holder) {}

  /// What the holder gave us back.
  void take(const std::string& name, runtime::HeldObject object);
  /// Something new, or something else under an old name.
  [[nodiscard]] Status keep(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor);
  /// These make what is not there.
  [[nodiscard]] Status make_memory(const chain::ObjectSpec& spec);
  [[nodiscard]] Status make_bell(const std::string& name);

  [[nodiscard]] bool has(std::string_view name) const { return objects_.contains(name); }
  /// The keeper's own; -1 where there is none.
  [[nodiscard]] int descriptor(std::string_view name) const;

  /// What goes to a service with these rights.
  struct Handout {
    control::Grant grant;
    int descriptor;
  };
  [[nodiscard]] Result<Handout> hand_out(const std::string& name, memory::Right right);

  /// Mapped for the keeper, read-only; empty where there is no such memory.
  [[nodiscard]] std::span<std::byte> memory(std::string_view name);
  [[nodiscard]] Result<memory::Mapping> writable(const std::string& name) const;

  template <class T>
  [[nodiscard]] Result<const T*> look(std::string_view name) {
    return memory::view<T>(name, memory(name)).map([](T* object) -> const T* { return object; });
  }

  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [name, object] : objects_) visit(name, object.kind);
  }

 private:
  struct Object {
    control::ObjectKind kind;
    kj::AutoCloseFd descriptor;
    kj::AutoCloseFd read_only;
    memory::Mapping mapping;
  };
  [[nodiscard]] Result<Handout> hand_out_memory(const std::string& name, Object& object, memory::Right right);

  HolderLink& holder_;
  std::map<std::string, Object, std::less<>> objects_;
};

}  // namespace bulkhead::keeper
