#include "services/nat/make.h"

#include "ipc/counting.h"
#include "ipc/pass.h"

namespace bulkhead::nat {

Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings) {
  Wiring wiring(objects);
  auto* state = wiring.object<NatState>("nat.state");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  PassPlace const place{.own = "nat", .from = "ring.nat", .to = "ring.confirm", .next = "conntrack", .head = 1};
  return make_pass_stage(objects, settings, place,
                         Counting(state->counts, settings.chain == Settings::Chain::empty));
}

}  // namespace bulkhead::nat
