// services/keeper/grant.h: RUN/objects.sock: a service says who it is, and gets what the chain's table gives it
// (ipc/chain/chain.cc).
//
// Who     services, through ipc/runtime/keeper_client.h.
// Trust   the kernel says who asks (SO_PEERCRED, when it connected): only the process that the
//         keeper started as that service is granted anything, and only while it lives. Everybody
//         else is refused and told why.
// Full    kMaxAsking connections at once; the oldest is closed for a new one. Sending never
//         blocks: a service whose socket is full (it was stopped, say) loses the connection and
//         asks again.
#pragma once

#include <list>
#include <memory>

#include "ipc/runtime/loop.h"
#include "services/keeper/registry.h"
#include "services/keeper/watch.h"

namespace bulkhead::keeper {

class Granter {
 public:
  /// `grants`: who may have what. `listener` is blocking, and stays the caller's.
  Granter(runtime::Loop& loop, Registry& registry, const Watch& watch, std::vector<chain::Grant> grants,
          int listener);
  ~Granter();
  Granter(const Granter&) = delete;
  Granter& operator=(const Granter&) = delete;

 private:
  struct Asking;

  void accepted(int result);
  void heard(Asking& asking, int result);
  [[nodiscard]] Result<std::string> who(const Asking& asking, std::span<const std::byte> bytes) const;
  [[nodiscard]] Status grant_all(int socket, const std::string& service);

  runtime::Loop& loop_;
  Registry& registry_;
  const Watch& watch_;
  std::vector<chain::Grant> grants_;
  int listener_;
  std::list<std::unique_ptr<Asking>> asking_;
  runtime::Operation accept_;
  runtime::Operation pause_;
};

}  // namespace bulkhead::keeper
