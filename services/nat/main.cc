// services/nat/main.cc: the nat process.
#include "ipc/runtime/stage_main.h"
#include "services/nat/make.h"

int main(int argc, char** argv) {
  return bulkhead::runtime::stage_main(argc, argv, "nat", [](bulkhead::runtime::StageWorld world) {
    return bulkhead::nat::make_stage(world.objects, world.settings);
  });
}
