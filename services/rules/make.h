// services/rules/make.h: the rules stage out of its objects.
#pragma once

#include <memory>

#include "ipc/pass.h"
#include "ipc/ruleset.h"
#include "services/rules/decide.h"

namespace bulkhead::rules {

/// Where rules stands in the chain.
[[nodiscard]] PassPlace place();
/// What it does with a packet. `ruleset`: of the settings (ipc/ruleset.h); null: there is none.
[[nodiscard]] Result<Decide> make_work(Objects& objects, const Settings& settings, const std::shared_ptr<const Loaded>& ruleset);

[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings);

}  // namespace bulkhead::rules
