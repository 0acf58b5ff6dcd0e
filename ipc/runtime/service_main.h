// ipc/runtime/service_main.h: main() of a service: what is the same for all of them.
//
// Who     services/*/main.cc: return service_main(argc, argv, "rules", make).
// Start   `--run DIR`, objects from the keeper, loop, signals, bell; make()
//         builds the service over them; recover(); then the desk says
//         ready.
// Loop    step() until there is nothing; look again for spin_us; then sleep
//         on the bell. SIGTERM, SIGINT and the end of the lifeline (the
//         holder is gone) leave the loop: destruction, exit 0.
// Hang    the desk's heartbeat goes up with every turn, and by a timer
//         while asleep. A step that takes longer than hang_ms gets the
//         process killed and replaced.
// Errors  of the start go to stderr, exit 1. The keeper tries a few times,
//         then reports the service as failed.
#pragma once

#include <functional>
#include <memory>

#include "common/base/result.h"
#include "ipc/control/settings.h"
#include "ipc/runtime/keeper_client.h"
#include "ipc/runtime/rpc.h"

namespace bulkhead::runtime {

struct Runnable {
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;
  virtual ~Runnable() = default;

  /// What a successor does first.
  virtual void recover() = 0;
  /// One batch; true if anything was done.
  virtual bool step() = 0;
  /// Says asleep and looks again; false: there is work.
  virtual bool prepare_sleep() = 0;
  virtual void wake() = 0;
  /// Is it worth looking for a while, before it sleeps? Not if since the last time that it was asked nothing came but the events of
  /// a replay whose packets go by the fast lane.
  virtual bool expects_more() { return true; }
};

using MakeRunnable = std::function<Result<std::unique_ptr<Runnable>>(Grants& grants, const control::Settings& settings,
                                                                     ControlLoop& control)>;

int service_main(int argc, char** argv, const char* service, const MakeRunnable& make);

}  // namespace bulkhead::runtime