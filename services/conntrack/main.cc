// services/conntrack/main.cc: the conntrack process.
#include "ipc/runtime/stage_main.h"
#include "services/conntrack/make.h"

int main(int argc, char** argv) {
  return bulkhead::runtime::stage_main(argc, argv, "conntrack", [](bulkhead::runtime::StageWorld world) {
    return bulkhead::conntrack::make_stage(world.objects, world.settings);
  });
}
