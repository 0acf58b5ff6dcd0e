// tests/simulation/dropping.h: a rules stage that drops some packets, by their number alone.
//
// Why     rules decides nothing yet, but track must already be right whatever rules will do: a dropped packet's
//         entry is never confirmed, and the next packet of its tuple begins anew.
#pragma once

#include "ipc/counting.h"

namespace bulkhead::test {

class Dropping {
 public:
  static constexpr size_t kWordsEach = Counting<RulesState>::kWordsEach;
  static constexpr size_t kWordsEnd = Counting<RulesState>::kWordsEnd;

  Dropping(RulesState& state, uint32_t one_in) : counting_(state, false), one_in_(one_in) {}
  void visit(Descriptor& descriptor, Batch& batch) noexcept {
    counting_.visit(descriptor, batch);
    if (descriptor.kind != Kind::packet || descriptor.verdict != Verdict::accept) return;
    if ((descriptor.number * 0x9e3779b97f4a7c15U >> 40) % one_in_ != 0) return;
    descriptor.verdict = Verdict::drop;
    descriptor.reason = DropReason::table_full;
  }
  void end(Batch& batch) noexcept { counting_.end(batch); }

 private:
  Counting<RulesState> counting_;
  uint32_t one_in_;
};

inline Result<std::unique_ptr<Stage>> make_dropping_rules(Objects& objects, const Settings& settings,
                                                          uint32_t one_in) {
  Wiring wiring(objects);
  auto* area = wiring.object<CommitArea>("rules.commit");
  auto* journal = wiring.object<Journal>("rules.journal");
  auto* desk = wiring.object<Desk>("rules.desk");
  auto* state = wiring.object<RulesState>("rules.state");
  auto* from = wiring.object<Ring>("ring.rules");
  auto* to = wiring.object<Ring>("ring.nat");
  auto* nat = wiring.object<Desk>("nat.desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  StageParts const parts{*area, *journal, *desk, objects.memory("rules.state"), settings.batch};
  return std::make_unique<PassStage<Dropping>>(parts, *from, Next{*to, *nat, 0, objects.bell("nat")},
                                               Dropping(*state, one_in));
}

}  // namespace bulkhead::test
