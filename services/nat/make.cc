#include "services/nat/make.h"

#include "ipc/chain/pass.h"
#include "services/nat/bind.h"

namespace bulkhead::nat {

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings) {
  chain::Wiring wiring(objects);
  auto* state = wiring.object<state::NatState>("nat.state");
  auto* conntrack = wiring.object<state::ConntrackState>("conntrack.state");
  auto* orders = wiring.object<state::NatOrdersTable>("rules.nat_orders");
  auto* edits = wiring.object<state::NatEdits>("nat.edits");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  chain::PassPlace const place{.own = "nat", .from = "ring.nat", .to = "ring.confirm", .next = "conntrack", .head = 1,
                        .waits = settings.ruleset.shows_choices ? "rules" : ""};
  return chain::make_pass_stage(objects, settings, place, Bind({*state, *conntrack, *orders, *edits}, settings));
}

}  // namespace bulkhead::nat
