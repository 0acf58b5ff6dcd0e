// services/rules/make.h: the rules stage out of its objects.
#pragma once

#include <memory>

#include "ipc/counting.h"

namespace bulkhead::rules {

/// Where rules stands in the chain.
[[nodiscard]] CountingPlace place();

[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings);

}  // namespace bulkhead::rules
