// tests/simulation/dropping.h: a rules stage that drops some packets, by their number alone.
//
// Why     rules decides nothing yet, but track must already be right whatever rules will do: a dropped packet's
//         entry is never confirmed, and the next packet of its tuple begins anew.
#pragma once

#include "ipc/counting.h"
#include "services/rules/make.h"

namespace bulkhead::test {

class Dropping {
 public:
  static constexpr size_t kWordsEach = Counting<RulesState>::kWordsEach;
  static constexpr size_t kWordsEnd = Counting<RulesState>::kWordsEnd;

  Dropping(RulesState& state, bool empty, uint32_t one_in) : counting_(state, empty), one_in_(one_in) {}
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
  return make_counting_stage<RulesState, Dropping>(objects, settings, rules::place(), one_in);
}

}  // namespace bulkhead::test
