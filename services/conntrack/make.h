// services/conntrack/make.h: the conntrack stage out of its objects.
#pragma once

#include <memory>

#include "ipc/control/settings.h"
#include "ipc/chain/wiring.h"

namespace bulkhead::conntrack {

[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings);

}  // namespace bulkhead::conntrack
