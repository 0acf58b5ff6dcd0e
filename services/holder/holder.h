// services/holder/holder.h: holds a second copy of everything, and starts the keeper again.
//
// Who     main.cc, on its loop. It makes the process the subreaper of its descendants and reaps every child there is.
// Owner   of all that was handed over and of the lifeline. Whatever the keeper deposits is held until stop().
// Fence   a keeper is started only after the pidfd of the one before has reported its end. One whose heartbeat
//         (keeper.state) stands still is killed.
// Order   a deposit is with the starter before the keeper hears that it is held: no process runs of which the starter could
//         not come to know.
// End     stop(): see ipc/runtime/ending.h; then the run directory. If this process dies instead, the lifeline ends the
//         services and the hang-up of its socket the keeper, which removes the run directory.
// Errors  the starter is told why the instance cannot go on, and stops it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "ipc/control/control_message.h"
#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/holding.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/spawn.h"
#include "ipc/state/keeper_state.h"
#include "services/holder/starter.h"

namespace bulkhead::holder {

struct Options {
  std::string run_dir;              // is there
  uint64_t hang_ms = 0;             // see settings
  std::optional<uid_t> first_user;  // the keeper's word
};

class Holder {
 public:
  Holder(runtime::Loop& loop, Options options, runtime::Holding holding, Starter& starter);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  [[nodiscard]] Status start();
  void stop();
  /// By service; complete after stop().
  [[nodiscard]] const std::map<std::string, control::Usage>& usage() const { return usage_; }

 private:
  [[nodiscard]] Status make_lifeline();
  void hold(const std::string& name, control::ObjectKind kind, kj::AutoCloseFd descriptor);
  [[nodiscard]] Status start_keeper();
  [[nodiscard]] Status launch(int channel);
  void try_start();
  void keeper_spoke();
  [[nodiscard]] Status hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor);
  void keeper_ended();
  void look();
  [[nodiscard]] const state::KeeperState* keeper_state();
  [[nodiscard]] bool runs_now(const state::KeeperState* state) const;
  void fail_with(const std::string& reason);
  void reap();
  [[nodiscard]] bool childless();

  runtime::Loop& loop_;
  Options options_;
  runtime::Holding holding_;
  Starter& starter_;
  std::map<pid_t, std::string> names_;  // of processes
  std::map<std::string, control::Usage> usage_;
  kj::AutoCloseFd lifeline_;  // its writing end
  runtime::Child keeper_;
  kj::AutoCloseFd channel_;
  memory::Mapping state_;
  uint64_t heartbeat_ = 0;
  unsigned still_ = 0;
  unsigned unready_ = 0;  // points, see kGiveUp
  unsigned crashes_ = 0;  // in a row, of keepers that had come to a heartbeat
  int keeper_status_ = 0;  // as wait(2) has it
  uint64_t keeper_started_ns_ = 0;
  bool keeper_was_ready_ = false;
  bool keeper_hung_ = false;
  bool failed_ = false;
  bool stopped_ = false;
  runtime::Operation spoke_;
  runtime::Operation gone_;
  runtime::Operation again_;
  runtime::Operation looks_;
};

}  // namespace bulkhead::holder
