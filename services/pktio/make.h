// services/pktio/make.h: the pktio stage out of its objects and its files.
#pragma once

#include <memory>
#include <vector>

#include "ipc/control/settings.h"
#include "ipc/chain/wiring.h"
#include "services/pktio/pktio.h"

namespace bulkhead::pktio {

struct Files {
  Pktio::OpenSource open;
  std::vector<std::unique_ptr<FileWriter>> outputs;  // by Outputs' numbers; none at all: nothing is written
  Pktio::Pace pace;
};

/// `settings` outlive the stage.
[[nodiscard]] Result<std::unique_ptr<chain::Stage>> make_stage(chain::Objects& objects, const control::Settings& settings, Files files);

}  // namespace bulkhead::pktio
