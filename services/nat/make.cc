#include "services/nat/make.h"

#include "ipc/chain/pass.h"
#include "services/nat/bind.h"

namespace bulkhead::nat {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  Wiring wiring(objects);
  auto* state = wiring.object<NatState>("nat.state");
  auto* conntrack = wiring.object<ConntrackState>("conntrack.state");
  auto* orders = wiring.object<NatOrdersTable>("rules.nat_orders");
  auto* edits = wiring.object<NatEdits>("nat.edits");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  PassPlace const place{.own = "nat", .from = "ring.nat", .to = "ring.confirm", .next = "conntrack", .head = 1,
                        .waits = settings.ruleset.shows_choices ? "rules" : ""};
  return make_pass_stage(objects, settings, place, Bind({*state, *conntrack, *orders, *edits}, settings));
}

}  // namespace bulkhead::nat
