// services/keeper/status.h: RUN/keeper.sock: what the keeper tells people, over RPC.
//
// Who     `bulkhead status`, and whoever may open the socket (mode 0600).
// Trust   words are read out of objects that services write: every object is checked anew,
//         an index is never taken from one, and a number that makes no sense is shown as it
//         is.
// Thread  the keeper's loop; a status costs a few hundred loads.
#pragma once

#include <capnp/capability.h>

#include "ipc/control/schema/keeper.capnp.h"
#include "ipc/state/keeper_state.h"
#include "services/keeper/registry.h"
#include "services/keeper/watch.h"

namespace bulkhead::keeper {

class StatusServer final : public schema::Keeper::Server {
 public:
  StatusServer(Registry& registry, const Watch& watch, const HolderLink& holder, const state::KeeperState& state,
               const control::Settings& settings, std::string run_dir)
      : registry_(registry),
        watch_(watch),
        holder_(holder),
        state_(state),
        settings_(settings),
        run_dir_(std::move(run_dir)) {}

  kj::Promise<void> status(StatusContext context) override;
  kj::Promise<void> stop(StopContext context) override;

 private:
  void fill_service(schema::Status::Service::Builder into, unsigned place);
  void fill_rings(schema::Status::Service::Builder into, const std::string& service);
  void fill_packets(schema::Status::Service::Builder into, const std::string& service);
  void fill_pktio(schema::Status::Service::Builder into);
  void fill_progress(schema::Status::Progress::Builder into);

  Registry& registry_;
  const Watch& watch_;
  const HolderLink& holder_;
  const state::KeeperState& state_;
  const control::Settings& settings_;
  std::string run_dir_;
};

}  // namespace bulkhead::keeper
