// services/pktio/main.cc: the pktio process: its captures and output files, on its loop.
#include "ipc/runtime/stage_main.h"
#include "services/pktio/in/open_capture.h"
#include "services/pktio/loop_files.h"
#include "services/pktio/make.h"

namespace bulkhead::pktio {
namespace {

constexpr uint64_t kPaceTick = 2'000'000;  // ns between two looks at the clock while a pace holds packets back

Pktio::OpenSource opener(runtime::StageWorld world) {
  return [world](size_t interface, const Position& from) -> Result<std::unique_ptr<Source>> {
    int const fd = world.grants.descriptor("in." + world.settings.interfaces[interface].name);
    if (fd < 0) return fail("the keeper has granted no capture for it");
    CaptureOptions options;
    options.from = from;
    if (const auto& routers = world.settings.topology.interfaces; interface < routers.size()) options.own = routers[interface].mac;
    options.still_alive = [desk = reinterpret_cast<chain::Desk*>(world.grants.memory("pktio.desk").data())] {
      desk->heartbeat.store(desk->heartbeat.load() + 1);
    };
    return open_capture(std::make_unique<LoopFile>(world.control.loop(), fd), options);
  };
}

Result<std::vector<std::unique_ptr<FileWriter>>> outputs(runtime::StageWorld world) {
  std::vector<std::unique_ptr<FileWriter>> files;
  for (const std::string& name : control::Outputs(world.settings).names) {
    int const fd = world.grants.descriptor("out." + name);
    if (fd < 0) return fail("{}: the keeper has granted no such file", name);
    files.push_back(std::make_unique<LoopWriter>(world.control.loop(), fd));
  }
  return files;
}

/// Packets that may have been taken in since this process began, on top of what was before it.
class Pace {
 public:
  Pace(runtime::Loop& loop, uint64_t packets_per_second, const state::PktioState& state)
      : rate_(packets_per_second),
        begin_ns_(runtime::Loop::now_ns()),
        before_(state.packets.load()),
        tick_(std::make_shared<runtime::Operation>(loop, [](int) {})) {  // that it wakes the loop is enough
    tick_->every(kPaceTick);
  }
  uint64_t operator()() const {
    uint64_t const ns = runtime::Loop::now_ns() - begin_ns_;
    return before_ + ns / 1'000'000'000 * rate_ + ns % 1'000'000'000 * rate_ / 1'000'000'000;
  }

 private:
  uint64_t rate_;
  uint64_t begin_ns_;
  uint64_t before_;
  std::shared_ptr<runtime::Operation> tick_;
};

Result<std::unique_ptr<chain::Stage>> make(runtime::StageWorld world) {
  auto files = outputs(world);
  if (!files) return tl::unexpected(files.error());
  auto state = world.grants.object<state::PktioState>("pktio.state");
  if (!state) return tl::unexpected(state.error());
  Pktio::Pace pace;
  if (uint64_t const rate = world.settings.packets_per_second; rate != 0)
    pace = Pace(world.control.loop(), rate, **state);
  return make_stage(world.objects, world.settings, {opener(world), std::move(*files), std::move(pace)});
}

}  // namespace
}  // namespace bulkhead::pktio

int main(int argc, char** argv) { return bulkhead::runtime::stage_main(argc, argv, "pktio", bulkhead::pktio::make); }
