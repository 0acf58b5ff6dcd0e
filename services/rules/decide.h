// services/rules/decide.h: the visit of rules: what becomes of a packet.
//
// Before  conntrack's track. After: nat.
// Order   prerouting, route, forward or input, postrouting, in one visit. So far: route, in router wiring.
// Crash   words of rules.state within the batch; answers in slots of their own (ipc/answers.h).
// Trust   the frame is read through header_view.h. A verdict of drop is carried through untouched.
#pragma once

#include <memory>

#include "ipc/answers.h"
#include "ipc/counting.h"
#include "ipc/pool.h"
#include "ipc/settings.h"
#include "services/rules/answer_limits.h"
#include "services/rules/route.h"

namespace bulkhead::rules {

class Decide {
 public:
  static constexpr size_t kWordsEach = AnswerLimits::kWordsEach;
  static constexpr size_t kWordsEnd = Counting::kWordsEnd;

  struct Objects {
    RulesState& state;
    const Pool& pool;
    size_t pool_bytes;
    Answers& answers;
  };
  Decide(const Objects& objects, const Settings& settings);

  void visit(Descriptor& descriptor, Batch& batch) noexcept;
  void end(Batch& batch) noexcept { counting_.end(batch); }

 private:
  /// What a router has more than a bridge.
  struct Router {
    explicit Router(const Topology& made) : topology(made), routes(made) {}
    Topology topology;
    Routes routes;
  };
  void route_on(Descriptor& descriptor, Batch& batch) noexcept;
  void answer(Descriptor& descriptor, const HeaderView& packet, const Route& route, Batch& batch) noexcept;

  Objects objects_;
  uint64_t window_;
  Counting counting_;
  AnswerLimits limits_;
  std::unique_ptr<Router> router_;  // none: a bridge
};

}  // namespace bulkhead::rules
