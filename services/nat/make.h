// services/nat/make.h: the nat stage out of its objects.
#pragma once

#include <memory>

#include "ipc/chain/wiring.h"
#include "ipc/control/settings.h"

namespace bulkhead::nat {

[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings);

}  // namespace bulkhead::nat
