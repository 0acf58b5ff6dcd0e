// services/rules/make.h: the rules stage out of its objects.
#pragma once

#include <memory>

#include "ipc/chain/pass.h"
#include "ipc/control/ruleset.h"
#include "services/rules/decide.h"
#include "services/rules/twice.h"

namespace bulkhead::rules {

/// What it does with a packet. `ruleset`: of the settings (ipc/control/ruleset.h); null: there is none.
[[nodiscard]] Result<Decide> make_work(Objects& objects, const Settings& settings, const std::shared_ptr<const Loaded>& ruleset);

/// The stage that does it, once a packet, or twice where there are chains before conntrack.
template <class Work>
[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage_of(Objects& objects, const Settings& settings, Work work) {
  if (!settings.ruleset.early)
    return make_pass_stage(objects, settings, {.own = "rules", .from = "ring.rules", .to = "ring.nat", .next = "nat", .head = 0}, std::move(work));
  Wiring wiring(objects);
  auto const stage = wiring.stage("rules");
  auto* from = wiring.object<Ring>("ring.rules");
  auto* from_early = wiring.object<Ring>("ring.early");
  auto* to = wiring.object<Ring>("ring.nat");
  auto* to_sifted = wiring.object<Ring>("ring.sifted");
  auto* nat = wiring.object<Desk>("nat.desk");
  auto* conntrack = wiring.object<Desk>("conntrack.desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  typename TwiceStage<Work>::Rings const rings{
      *from, *from_early, {*to, *nat, 0, objects.bell("nat")}, {*to_sifted, *conntrack, 0, objects.bell("conntrack")}};
  return std::make_unique<TwiceStage<Work>>(stage.parts(settings.batch), rings, std::move(work));
}

[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings);

}  // namespace bulkhead::rules
