// services/rules/make.h: the rules stage out of its objects.
#pragma once

#include <memory>

#include "common/ruleset/compile/facts.h"
#include "ipc/chain/pass.h"
#include "ipc/control/settings.h"
#include "services/rules/decide.h"
#include "services/rules/two_visits.h"

namespace bulkhead::rules {

/// What it does with a packet. `ruleset`: of the settings (common/ruleset/compile/facts.h); null: there is none.
[[nodiscard]] Result<Decide> make_work(chain::Objects& objects, const control::Settings& settings, const std::shared_ptr<const ruleset::Loaded>& ruleset);

/// The stage that does it, once a packet, or twice where there are chains before conntrack.
template <class Work>
[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage_of(chain::Objects& objects, const control::Settings& settings, Work work) {
  if (!chain::place_of(settings, "early")) return chain::make_pass_stage(objects, settings, "rules", "rules", std::move(work));
  chain::Wiring wiring(objects, settings, "rules");
  auto const stage = wiring.stage();
  auto const main = wiring.visit("rules");
  auto const early = wiring.visit("early");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<TwoVisitStage<Work>>(stage.parts(), main, early, std::move(work));
}

[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings);

}  // namespace bulkhead::rules
