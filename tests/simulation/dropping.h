// tests/simulation/dropping.h: a rules stage that drops some packets, by their number alone; so none is steady for it.
//
// Why     rules decides nothing yet, but track must already be right whatever rules will do: a dropped packet's
//         entry is never confirmed, and the next packet of its tuple begins anew.
#pragma once

#include "services/rules/make.h"

namespace bulkhead::test {

class Dropping {
 public:
  static constexpr size_t kWordsEnd = rules::Decide::kWordsEnd;

  Dropping(rules::Decide decide, uint32_t one_in) : decide_(std::move(decide)), one_in_(one_in) {}
  [[nodiscard]] size_t words_each() const { return decide_.words_each(); }
  void visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
    bool const judged = descriptor.kind == chain::Kind::packet && descriptor.verdict == chain::Verdict::accept;
    if (judged && (descriptor.number * 0x9e3779b97f4a7c15U >> 40) % one_in_ == 0) {
      descriptor.verdict = chain::Verdict::drop;
      descriptor.reason = chain::DropReason::table_full;
    }
    decide_.visit(descriptor, batch);
    descriptor.facts &= static_cast<uint16_t>(~chain::Facts::steady);
  }
  void visit_early(chain::Descriptor& descriptor, memory::Batch& batch) noexcept { decide_.visit_early(descriptor, batch); }
  [[nodiscard]] bool shares() const { return decide_.shares(); }
  [[nodiscard]] bool may_come_back() const { return decide_.may_come_back(); }
  void end(memory::Batch& batch) noexcept { decide_.end(batch); }

 private:
  rules::Decide decide_;
  uint32_t one_in_;
};

}  // namespace bulkhead::test
