// services/rules/record.h: writes down how a packet goes through the rules (ipc/state/walk.h).
#pragma once

#include "common/ruleset/run/evaluate.h"
#include "ipc/state/walk.h"

namespace bulkhead::rules {

class Record final : public ruleset::Watcher {
 public:
  explicit Record(state::Walk& walk) : walk_(walk), room_(walk.header.capacity) {}

  /// `before`: steps of an earlier visit, which stay.
  void begin(uint64_t before) noexcept { steps_ = before; }
  [[nodiscard]] uint64_t steps() const noexcept { return steps_; }
  void enter(ruleset::At hook) noexcept { hook_ = static_cast<uint8_t>(hook); }
  void end(uint64_t number) noexcept {
    walk_.steps.store(steps_);
    walk_.number.store(number);
  }
  void tried(uint32_t rule, bool matched) override {
    put(rule, matched ? state::WalkStep::What::matched : state::WalkStep::What::tried);
  }
  void policy(uint32_t chain) override { put(chain, state::WalkStep::What::policy); }

 private:
  void put(uint32_t index, state::WalkStep::What what) {
    state::WalkStep const step{index, what, hook_, 0};
    if (steps_ < room_) memory::copy_in(walk_.at(steps_), &step, sizeof step);
    ++steps_;
  }

  state::Walk& walk_;
  uint64_t room_;
  uint64_t steps_ = 0;
  uint8_t hook_ = 0;
};

}  // namespace bulkhead::rules
