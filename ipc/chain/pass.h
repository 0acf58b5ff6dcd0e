// ipc/chain/pass.h: a stage with one visit that looks at each descriptor and passes it on.
//
// Who     rules and nat. What they do is a Work: visit(Descriptor&, Batch&) for each descriptor, end(Batch&) for each
//         batch, and how many words these set at most: words_each(), kWordsEnd. It may have look_ahead() and look_near(),
//         which see a descriptor kFar and kNear places before its visit and may do nothing but prefetch.
// Order   one out for each one in, in the same order.
// Trust   the descriptor is a copy; a Work checks what it uses of it.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "ipc/chain/stage.h"
#include "ipc/chain/wiring.h"
#include "ipc/control/settings.h"

namespace bulkhead::chain {

template <class Work>
class PassStage : public Stage {
 public:
  PassStage(const StageParts& parts, const Ring& inlet, const Next& next, Work work, const Waiting& before = {})
      : Stage(parts, {&inlet}, {next}), work_(std::move(work)) {
    wakes(before);
  }

 protected:
  bool work() override { return inlet(0).available() != 0 && outlet(0).room() != 0; }

  bool make() override {
    Inlet& in = inlet(0);
    Outlet& out = outlet(0);
    uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
    size_t const words = work_.words_each() + Work::kWordsEnd;
    for (uint64_t i = 0; i < std::min(kFar, count); ++i) look_ahead(in, i, i);
    uint64_t done = 0;
    while (done < count && batch().room() >= words) {
      Descriptor& descriptor = ahead_[done % kFar];
      if (done + kNear < count) look_near(done + kNear);
      work_.visit(descriptor, batch());
      out.put(descriptor);
      in.advance();
      ++done;
      if (done + kFar - 1 < count) look_ahead(in, kFar - 1, done + kFar - 1);
    }
    if (done != 0) work_.end(batch());
    return done != 0;
  }

 private:
  static constexpr uint64_t kFar = 8, kNear = 3;

  /// The descriptor that is the `turn`-th of this batch, `distance` behind the inlet's next one.
  void look_ahead(const Inlet& in, uint64_t distance, uint64_t turn) {
    Descriptor& descriptor = ahead_[turn % kFar];
    in.get(descriptor, distance);
    if constexpr (requires { work_.look_ahead(descriptor, batch()); }) work_.look_ahead(descriptor, batch());
  }
  void look_near(uint64_t turn) {
    if constexpr (requires { work_.look_near(ahead_[0], batch()); }) work_.look_near(ahead_[turn % kFar], batch());
  }

  Work work_;
  std::array<Descriptor, kFar> ahead_;  // of this batch, by turn
};

/// `visit`: the only one of `service` (ipc/chain/chain.cc).
template <class Work>
Result<std::unique_ptr<Stage>> make_pass_stage(Objects& objects, const control::Settings& settings, const std::string& service,
                                               std::string_view visit, Work work) {
  Wiring wiring(objects, settings, service);
  auto const stage = wiring.stage();
  auto const place = wiring.visit(visit);
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<PassStage<Work>>(stage.parts(), place.inlet(), place.outlet(), std::move(work), place.before);
}

}  // namespace bulkhead::chain
