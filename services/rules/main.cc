// services/rules/main.cc: the rules process.
#include "ipc/runtime/stage_main.h"
#include "services/rules/make.h"

int main(int argc, char** argv) {
  return bulkhead::runtime::stage_main(argc, argv, "rules", [](bulkhead::runtime::StageWorld world) {
    return bulkhead::rules::make_stage(world.objects, world.settings);
  });
}
