// tests/bench/passing.cc: the empty chain's other services: stages that pass on what they take. The program's own name says which
// one it is: bulkhead-SERVICE.
#include <algorithm>
#include <filesystem>

#include "ipc/chain/pass.h"
#include "ipc/runtime/stage_main.h"

namespace bulkhead::test {
namespace {

/// The Work of a stage with one visit.
struct Nothing {
  static constexpr size_t kWordsEnd = 0;
  [[nodiscard]] static size_t words_each() { return 0; }
  void visit(chain::Descriptor&, memory::Batch&) noexcept {}
  void end(memory::Batch&) noexcept {}
};

/// A stage with several: the last one is served first, as conntrack does it.
class Passing : public chain::Stage {
 public:
  using Visits = std::vector<chain::Wiring::VisitObjects>;
  Passing(const chain::StageParts& parts, const Visits& visits)
      : chain::Stage(parts, inlets_of(visits), outlets_of(visits)), count_(visits.size()) {}

 protected:
  bool work() override {
    for (size_t i = 0; i < count_; ++i)
      if (inlet(i).available() != 0 && outlet(i).room() != 0) return true;
    return false;
  }
  bool make() override {
    uint64_t done = 0;
    for (size_t i = count_; i-- > 0;) done += some(inlet(i), outlet(i));
    return done != 0;
  }

 private:
  static std::vector<const chain::Ring*> inlets_of(const Visits& visits) {
    std::vector<const chain::Ring*> all;
    for (const auto& visit : visits) all.push_back(visit.from);
    return all;
  }
  static std::vector<chain::Next> outlets_of(const Visits& visits) {
    std::vector<chain::Next> all;
    for (const auto& visit : visits) all.push_back(visit.outlet());
    return all;
  }
  uint64_t some(chain::Inlet& in, chain::Outlet& out) {
    uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
    chain::Descriptor descriptor;
    for (uint64_t i = 0; i < count; ++i) {
      in.get(descriptor);
      out.put(descriptor);
      in.advance();
    }
    return count;
  }

  size_t count_;
};

Result<std::unique_ptr<chain::Stage>> make(const std::string& service, runtime::StageWorld world) {
  auto own = chain::places(world.settings);
  std::erase_if(own, [&](const chain::Place& place) { return place.service != service; });
  if (own.size() == 1) return chain::make_pass_stage(world.objects, world.settings, service, own[0].visit, Nothing{});
  std::ranges::sort(own, {}, &chain::Place::head);
  chain::Wiring wiring(world.objects, world.settings, service);
  auto const stage = wiring.stage();
  Passing::Visits visits;
  for (const chain::Place& place : own) visits.push_back(wiring.visit(place.visit));
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<Passing>(stage.parts(), visits);
}

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) {
  std::string const service = std::filesystem::path(argv[0]).filename().string().substr(sizeof "bulkhead-" - 1);
  return bulkhead::runtime::stage_main(argc, argv, service.c_str(), [&](bulkhead::runtime::StageWorld world) {
    return bulkhead::test::make(service, world);
  });
}
