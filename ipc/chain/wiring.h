// ipc/chain/wiring.h: from the table of the chain and the names of objects to the types that live in them.
//
// Who     each service's make.cc, over what the keeper granted; the simulator, over memory of its own.
// Rights  object<T> opens to write, object<const T> to read: no more than ipc/chain/chain.cc says may be asked for.
// Errors  an object that is missing, too short, of another layout or version: a text that names it.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "ipc/chain/chain.h"
#include "ipc/chain/desk.h"
#include "ipc/chain/stage.h"
#include "ipc/memory/commit.h"

namespace bulkhead::chain {

class Objects {
 public:
  Objects() = default;
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;
  virtual ~Objects() = default;
  /// The mapped object; empty if this process has none of that name, or may not do that with it.
  [[nodiscard]] virtual std::span<std::byte> memory(std::string_view name, memory::Right right) = 0;
  /// The bell of a process.
  [[nodiscard]] virtual Bell& bell(std::string_view process) = 0;
};

/// Collects what a stage is made of; the first thing that is missing is kept as error(). What it gives is good if complete().
class Wiring {
 public:
  /// `settings` outlive it.
  Wiring(Objects& objects, const control::Settings& settings, std::string service)
      : objects_(objects), settings_(settings), service_(std::move(service)) {}

  /// Null, with error(), if it is not there or not a T.
  template <class T>
  T* object(const std::string& name) {
    constexpr auto right = std::is_const_v<T> ? memory::Right::read : memory::Right::write;
    auto found = memory::view<std::remove_const_t<T>>(name, objects_.memory(name, right));
    if (found) return *found;
    fail_with(found.error());
    return nullptr;
  }
  /// Of an object, as it is mapped.
  [[nodiscard]] size_t bytes(const std::string& name) { return objects_.memory(name, memory::Right::read).size(); }

  /// What every stage has: the commit, journal, desk and state of its service.
  struct StageObjects {
    memory::CommitArea* area;
    memory::Journal* journal;
    Desk* desk;
    std::span<std::byte> state;
    uint32_t batch;
    [[nodiscard]] StageParts parts() const { return {*area, *journal, *desk, state, batch}; }
  };
  StageObjects stage() {
    return {object<memory::CommitArea>(service_ + ".commit"), object<memory::Journal>(service_ + ".journal"),
            object<Desk>(service_ + ".desk"), objects_.memory(service_ + ".state", memory::Right::write), settings_.batch};
  }

  /// The rings of a visit, and its neighbours.
  struct VisitObjects {
    const Ring* from;
    Ring* to;
    const Desk* next;
    unsigned head;  // of that desk
    Bell* bell;     // and that service's
    Waiting before;
    [[nodiscard]] const Ring& inlet() const { return *from; }
    [[nodiscard]] Next outlet() const { return {*to, *next, head, *bell}; }
  };
  /// Of this service's. A stage has its inlets in the order of Place::head.
  VisitObjects visit(std::string_view name) {
    auto const place = place_of(settings_, name);
    if (!place || place->service != service_) {
      fail_with(Error{fmt::format("{}: has no visit {} in this chain", service_, name)});
      return {};
    }
    VisitObjects visit{object<const Ring>(std::string(place->from)), object<Ring>(std::string(place->to)),
                       object<const Desk>(fmt::format("{}.desk", place->next)), place->next_head, &objects_.bell(place->next), {}};
    if (!place->waited_by.empty())
      visit.before = {object<const Desk>(fmt::format("{}.desk", place->waited_by)), &objects_.bell(place->waited_by)};
    return visit;
  }

  [[nodiscard]] bool complete() const { return error_.message.empty(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  void fail_with(const Error& error) {
    if (complete()) error_ = error;
  }

  Objects& objects_;
  const control::Settings& settings_;
  std::string service_;
  Error error_;
};

}  // namespace bulkhead::chain
