#include "services/nat/make.h"

#include "ipc/chain/pass.h"
#include "services/nat/bind.h"

namespace bulkhead::nat {

Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings) {
  chain::Wiring wiring(objects, settings, "nat");
  auto* state = wiring.object<state::NatState>("nat.state");
  const auto* conntrack = wiring.object<const state::ConntrackState>("conntrack.state");
  const auto* orders = wiring.object<const state::NatOrdersTable>("rules.nat_orders");
  auto* edits = wiring.object<state::NatEdits>("nat.edits");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return chain::make_pass_stage(objects, settings, "nat", "nat", Bind({*state, *conntrack, *orders, *edits}, settings));
}

}  // namespace bulkhead::nat
