// ipc/chain/wiring.h: from the names of objects to the types that live in them.
//
// Who     each service's make.cc, over what the keeper granted; the simulator, over memory of its own.
// Errors  an object that is missing, too short, of another layout or version: a text that names it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ipc/memory/commit.h"
#include "ipc/chain/desk.h"
#include "ipc/chain/stage.h"

namespace bulkhead::chain {

class Objects {
 public:
  Objects() = default;
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  virtual ~Objects() = default;
  /// The mapped object; empty if this process has none of that name.
  [[nodiscard]] virtual std::span<std::byte> memory(std::string_view name) const = 0;
  /// The bell of a process.
  [[nodiscard]] virtual Bell& bell(std::string_view process) = 0;
};

/// Collects what a stage is made of; the first thing that is missing is kept as error().
class Wiring {
 public:
  explicit Wiring(Objects& objects) : objects_(objects) {}

  /// Null, with error(), if it is not there or not a T.
  template <class T>
  T* object(const std::string& name) {
    auto found = memory::view<T>(name, objects_.memory(name));
    if (found) return *found;
    if (error_.message.empty()) error_ = found.error();
    return nullptr;
  }
  /// What every stage has: the commit, journal, desk and state of its service. Read it when complete().
  struct StageObjects {
    memory::CommitArea* area;
    memory::Journal* journal;
    Desk* desk;
    std::span<std::byte> state;
    [[nodiscard]] StageParts parts(uint32_t batch) const { return {*area, *journal, *desk, state, batch}; }
  };
  StageObjects stage(const std::string& service) {
    return {object<memory::CommitArea>(service + ".commit"), object<memory::Journal>(service + ".journal"),
            object<Desk>(service + ".desk"), objects_.memory(service + ".state")};
  }
  [[nodiscard]] bool complete() const { return error_.message.empty(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Objects& objects_;
  Error error_;
};

}  // namespace bulkhead::chain