#include "ipc/runtime/stage_main.h"

#include <map>
#include <utility>

namespace bulkhead::runtime {
namespace {

class EventBell : public chain::Bell {
 public:
  explicit EventBell(int eventfd) : eventfd_(eventfd) {}
  void ring() noexcept override {
    if (eventfd_ >= 0) ring_bell(eventfd_);
  }

 private:
  int eventfd_;
};

class GrantedObjects : public chain::Objects {
 public:
  explicit GrantedObjects(const Grants& grants) : grants_(grants) {}
  [[nodiscard]] std::span<std::byte> memory(std::string_view name, memory::Right right) override {
    bool const may = right == memory::Right::read || grants_.right(name) == memory::Right::write;
    return may ? grants_.memory(name) : std::span<std::byte>();
  }
  [[nodiscard]] chain::Bell& bell(std::string_view process) override {
    auto const made = bells_.try_emplace(std::string(process), grants_.descriptor(fmt::format("bell.{}", process)));
    return made.first->second;
  }

 private:
  const Grants& grants_;
  std::map<std::string, EventBell, std::less<>> bells_;
};

class StageService : public Runnable {
 public:
  explicit StageService(const Grants& grants) : objects(grants) {}
  void recover() override { stage->recover(); }
  bool step() override { return stage->step(); }
  bool prepare_sleep() override { return stage->may_sleep(); }
  void wake() override { stage->wake(); }
  bool expects_more() override { return std::exchange(packets_, stage->packets()) != stage->packets(); }

  GrantedObjects objects;
  std::unique_ptr<chain::Stage> stage;

 private:
  uint64_t packets_ = 0;  // passed on when it last looked for more
};

}  // namespace

int stage_main(int argc, char** argv, const char* service, const MakeStage& make) {
  return service_main(argc, argv, service,
                      [&](Grants& grants, const control::Settings& settings,
                          ControlLoop& control) -> Result<std::unique_ptr<Runnable>> {
                        auto made = std::make_unique<StageService>(grants);
                        auto stage = make({made->objects, grants, settings, control});
                        if (!stage) return tl::unexpected(stage.error());
                        made->stage = std::move(*stage);
                        return made;
                      });
}

}  // namespace bulkhead::runtime