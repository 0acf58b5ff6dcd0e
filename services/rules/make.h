// services/rules/make.h: the rules stage out of its objects.
#pragma once

#include <memory>

#include "ipc/chain/pass.h"
#include "common/ruleset/compile/facts.h"
#include "ipc/control/settings.h"
#include "services/rules/decide.h"
#include "services/rules/twice.h"

namespace bulkhead::rules {

/// What it does with a packet. `ruleset`: of the settings (common/ruleset/compile/facts.h); null: there is none.
[[nodiscard]] Result<Decide> make_work(chain::Objects& objects, const control::Settings& settings, const std::shared_ptr<const ruleset::Loaded>& ruleset);

/// The stage that does it, once a packet, or twice where there are chains before conntrack.
template <class Work>
[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage_of(chain::Objects& objects, const control::Settings& settings, Work work) {
  if (!settings.ruleset.early)
    return chain::make_pass_stage(objects, settings, {.own = "rules", .from = "ring.rules", .to = "ring.nat", .next = "nat", .head = 0}, std::move(work));
  chain::Wiring wiring(objects);
  auto const stage = wiring.stage("rules");
  auto* from = wiring.object<chain::Ring>("ring.rules");
  auto* from_early = wiring.object<chain::Ring>("ring.early");
  auto* to = wiring.object<chain::Ring>("ring.nat");
  auto* to_sifted = wiring.object<chain::Ring>("ring.sifted");
  auto* nat = wiring.object<chain::Desk>("nat.desk");
  auto* conntrack = wiring.object<chain::Desk>("conntrack.desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  typename TwiceStage<Work>::Rings const rings{
      *from, *from_early, {*to, *nat, 0, objects.bell("nat")}, {*to_sifted, *conntrack, 0, objects.bell("conntrack")}};
  return std::make_unique<TwiceStage<Work>>(stage.parts(settings.batch), rings, std::move(work));
}

[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings);

}  // namespace bulkhead::rules
