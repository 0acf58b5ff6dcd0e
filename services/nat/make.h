// services/nat/make.h: the nat stage out of its objects.
#pragma once

#include <memory>

#include "ipc/control/settings.h"
#include "ipc/chain/wiring.h"

namespace bulkhead::nat {

[[nodiscard]] Result<std::unique_ptr<Stage>> make_stage(Objects& objects, const Settings& settings);

}  // namespace bulkhead::nat
