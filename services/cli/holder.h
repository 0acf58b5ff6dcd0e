// services/cli/holder.h: holds a second copy of everything, and starts the keeper again.
//
// Who     `bulkhead replay`, on its loop. One a process: it makes the process the
//         subreaper of its descendants and reaps every child there is.
// Owner   of the instance: settings, files, lifeline. Whatever the keeper deposits is held until stop().
// Fence   a keeper is started only after the pidfd of the one before has reported its end. One whose heartbeat
//         (keeper.state) stands still is killed.
// End     stop(): keeper first, so that nobody starts anything; SIGTERM to the services, SIGKILL to what is left after
//         kGraceMs; run directory. Within a second. If this process dies instead, the lifeline ends the services and the
//         hang-up of its socket the keeper, which removes the run directory.
// Errors  failure() says why the instance cannot go on; the caller then stops it.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/control/control_message.h"
#include "ipc/state/keeper_state.h"
#include "ipc/runtime/loop.h"
#include "ipc/control/settings.h"
#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/spawn.h"

namespace bulkhead::cli {

struct HolderOptions {
  control::Settings settings;
  std::string run_dir;                           // made by make_run_dir()
  std::map<std::string, kj::AutoCloseFd> files;  // in.NAME, out.FILE
  std::string program_dir = runtime::program_directory();
  std::optional<uid_t> first_user;               // see launch options of the keeper; none: as we run
};

/// What a service's (or the keeper's) processes used, of those that ended under the holder.
struct Usage {
  uint64_t user_ns = 0, system_ns = 0;
  uint64_t waits = 0, preemptions = 0;  // voluntary and involuntary context switches
  uint64_t peak_kib = 0;                // of the largest process
  uint64_t processes = 0;
};

class Holder {
 public:
  /// `news`: bell.holder was rung, the keeper says that something failed or somebody wants an end.
  [[nodiscard]] static Result<std::unique_ptr<Holder>> start(runtime::Loop& loop, HolderOptions options,
                                                             std::function<void()> news);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  [[nodiscard]] bool stop_asked() const { return stop_asked_; }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
  /// A memory, to be read; after stop() too. An Error while the keeper has not made it.
  [[nodiscard]] Result<memory::Mapping> map(const std::string& name) const;
  /// Of an object; -1: there is none of that name.
  [[nodiscard]] int descriptor(const std::string& name) const;
  [[nodiscard]] pid_t keeper_pid() const { return keeper_.pid; }

  void stop();
  /// By service; complete after stop().
  [[nodiscard]] const std::map<std::string, Usage>& usage() const { return usage_; }

 private:
  struct Object {
    control::ObjectKind kind;
    kj::AutoCloseFd descriptor;
  };

  Holder(runtime::Loop& loop, HolderOptions options, std::function<void()> news);
  [[nodiscard]] Status make_objects();
  void hold(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor);
  [[nodiscard]] Status start_keeper();
  [[nodiscard]] Status hand_over();
  void try_start();
  void keeper_spoke();
  [[nodiscard]] Status hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor);
  void keeper_ended();
  void look();
  [[nodiscard]] const state::KeeperState* keeper_state();
  void fail_with(const std::string& reason);
  void reap();
  void end_processes();
  void wait_for_processes(uint64_t deadline_ns);

  runtime::Loop& loop_;
  HolderOptions options_;
  std::function<void()> news_;
  std::map<std::string, Object> objects_;
  std::map<pid_t, std::string> names_;  // of processes
  std::map<std::string, Usage> usage_;
  kj::AutoCloseFd lifeline_;            // its writing end
  runtime::Child keeper_;
  kj::AutoCloseFd channel_;
  memory::Mapping state_;
  uint64_t heartbeat_ = 0;
  unsigned still_ = 0;
  unsigned unready_ = 0;  // points, see kGiveUp
  int keeper_status_ = 0;
  bool keeper_was_ready_ = false;
  bool keeper_hung_ = false;
  bool stop_asked_ = false;
  bool stopped_ = false;
  std::optional<std::string> failure_;
  std::unique_ptr<runtime::Doorbell> bell_;
  runtime::Operation spoke_;
  runtime::Operation gone_;
  runtime::Operation again_;
  runtime::Operation looks_;
};

}  // namespace bulkhead::cli
