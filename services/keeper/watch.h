// services/keeper/watch.h: the services' lives: start, look, end, start again.
//
// Who     the keeper's main(). A service is bulkhead-NAME from the folder of the keeper's own program.
// States  waiting -> starting (process runs, desk not ready) -> running -> ending (SIGKILL sent) -> waiting ...
//         failed: given up, and the holder told.
// Fence   one process a service: a successor is forked only after the pidfd of its predecessor has reported
//         the end, whether the predecessor was our child or an earlier keeper's.
// Order   fork (behind a gate, ipc/runtime/spawn.h), pidfd to the holder, holder's answer, state words, gate.
//         A keeper that dies before the gate leaves a child that ends; one that dies behind the answer leaves
//         a process that the next keeper adopts.
// Hang    every hang_ms / 4 the desks' heartbeats are looked at; kStill looks in a row without a change:
//         SIGKILL. Looks count, not time, so that a keeper that was stopped itself does not take the others
//         for stopped.
// Again   at once; after several deaths before being ready after up to 1 s. kUnreadyDeaths such deaths, or
//         kCrashes crashes in a row soon after being ready: failed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/chain/desk.h"
#include "ipc/control/settings.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/spawn.h"
#include "ipc/state/keeper_state.h"
#include "services/keeper/registry.h"

namespace bulkhead::keeper {

enum class Phase : uint8_t { waiting, starting, running, ending, failed };
[[nodiscard]] const char* name_of(Phase phase);

struct WatchOptions {
  std::string run_dir;
  std::string program_dir;
  uint64_t hang_ms = 2000;
  std::optional<uid_t> first_user;  // service n runs as this + n; none: as we do
};

class Watch {
 public:
  /// `ended`: the holder is gone, the instance must end.
  Watch(runtime::Loop& loop, Registry& registry, HolderLink& holder, state::KeeperState& state, WatchOptions options,
        std::function<void()> ended);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Adopts what runs, starts what does not.
  void begin();
  /// The process that is `name` now; 0: none may be.
  [[nodiscard]] pid_t expected(std::string_view name) const;
  [[nodiscard]] Phase phase(size_t place) const;
  /// SIGKILL to all, and waits for a while until they have ended.
  void end_all();

 private:
  struct Service;

  void adopt(Service& service, kj::AutoCloseFd pidfd);
  void start(Service& service);
  [[nodiscard]] Status launch(Service& service);
  void run_as(Service& service, pid_t pid, kj::AutoCloseFd pidfd);
  void died(Service& service);
  void start_later(Service& service);
  void give_up(Service& service, const std::string& reason);
  void tick();
  void look(Service& service);
  [[nodiscard]] bool ready(const Service& service) const;

  runtime::Loop& loop_;
  Registry& registry_;
  HolderLink& holder_;
  state::KeeperState& state_;
  WatchOptions options_;
  std::function<void()> ended_;
  std::vector<std::unique_ptr<Service>> services_;
  runtime::Operation ticks_;
};

[[nodiscard]] uint64_t boot_ns();  // CLOCK_BOOTTIME

}  // namespace bulkhead::keeper
