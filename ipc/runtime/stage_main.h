// ipc/runtime/stage_main.h: main() of a service that is a Stage.
//
// Who     services/{pktio,conntrack,rules,nat}/main.cc.
#pragma once

#include <functional>
#include <memory>

#include "ipc/chain/wiring.h"
#include "ipc/runtime/service_main.h"

namespace bulkhead::runtime {

/// What make() has at hand, all of it for as long as the stage lives.
struct StageWorld {
  chain::Objects& objects;
  Grants& grants;
  const control::Settings& settings;
  ControlLoop& control;
};
using MakeStage = std::function<Result<std::unique_ptr<chain::Stage>>(StageWorld world)>;

int stage_main(int argc, char** argv, const char* service, const MakeStage& make);

}  // namespace bulkhead::runtime