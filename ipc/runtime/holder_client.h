// ipc/runtime/holder_client.h: an instance, seen by whoever started it.
//
// Who     the CLI (replay, explain, empty-chain), on its loop. The other end: services/holder.
// Owner   of the holder's process: it lives as long as this. Settings, capture files and bell.holder are made here and handed
//         over; of what is made later the holder sends the memories (read-only) and the processes' pidfds.
// Wakes   each piece of news is a callback of the loop; whoever sleeps on it looks again.
// End     stop(): the holder ends everything, within a second. A holder that has ended by itself has left that to the
//         lifeline and the keeper; what is not gone soon is then killed from here, so that nothing runs when stop() returns.
// Stop    a holder that is stopped (SIGSTOP) holds up nobody who runs. stop() wakes it.
// Errors  failure() says why the instance cannot go on; the caller then stops it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ipc/control/control_message.h"
#include "ipc/control/settings.h"
#include "ipc/memory/shared_memory.h"
#include "ipc/runtime/holding.h"
#include "ipc/runtime/loop.h"
#include "ipc/runtime/spawn.h"

namespace bulkhead::runtime {

struct HolderOptions {
  control::Settings settings;
  std::string run_dir;                           // made by make_run_dir()
  std::map<std::string, kj::AutoCloseFd> files;  // in.NAME, out.FILE
  std::optional<uid_t> first_user;               // see the keeper's options; none: as we run
};

class HolderClient {
 public:
  /// An Error has removed the run directory.
  [[nodiscard]] static Result<std::unique_ptr<HolderClient>> start(Loop& loop, HolderOptions options);
  ~HolderClient();
  HolderClient(const HolderClient&) = delete;
  HolderClient& operator=(const HolderClient&) = delete;

  [[nodiscard]] bool stop_asked() const { return stop_asked_; }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
  /// A memory, to be read; after stop() too. An Error while the keeper has not made it.
  [[nodiscard]] Result<memory::Mapping> map(const std::string& name) const;
  /// Of an object; -1: there is none of that name.
  [[nodiscard]] int descriptor(const std::string& name) const;

  void stop();
  /// By service; complete after stop() of a holder that came so far.
  [[nodiscard]] const std::map<std::string, control::Usage>& usage() const { return usage_; }

 private:
  HolderClient(Loop& loop, std::string run_dir);
  [[nodiscard]] Status make_objects(HolderOptions& options);
  [[nodiscard]] Status launch(const HolderOptions& options);
  /// All that has come; false: nothing more will.
  bool listen();
  [[nodiscard]] Status hear(std::span<const std::byte> bytes, kj::AutoCloseFd descriptor);
  void holder_ended();
  void end_holder();
  [[nodiscard]] bool all_ended() const;
  void fail_with(const std::string& reason);

  Loop& loop_;
  std::string run_dir_;
  Holding objects_;
  std::map<std::string, control::Usage> usage_;
  Child holder_;
  kj::AutoCloseFd channel_;
  bool stop_asked_ = false;
  bool stopped_ = false;
  std::optional<std::string> failure_;
  std::unique_ptr<Doorbell> bell_;
  Operation spoke_;
  Operation gone_;
};

}  // namespace bulkhead::runtime
