// services/rules/two_visits.h: the rules stage of a ruleset that has chains before conntrack: it has two visits of each packet.
//
//   pktio ─ ring.early ─▶ early visit ─ ring.sifted ─▶ conntrack ─ ring.rules ─▶ visit ─ ring.nat ─▶ nat
//
// Who     as ipc/chain/pass.h, of which this is the other form. Its Work has visit_early() too, shares(): whether the two
//         visits change or read the same state; and may_come_back(): whether they may for the packet just visited.
// Order   one out for each one in, in the same order, of each visit. Where state is shared an early visit waits until
//         the packet before it has had its main one, so that state changes as if packets came one after another. The same behind
//         a packet about which something may be said that meets those chains itself.
#pragma once

#include <algorithm>
#include <utility>

#include "ipc/chain/pass.h"

namespace bulkhead::rules {

template <class Work>
class TwoVisitStage : public chain::Stage {
 public:
  using Visit = chain::Wiring::VisitObjects;
  TwoVisitStage(const chain::StageParts& parts, const Visit& main, const Visit& early, Work work)
      : chain::Stage(parts, {main.from, early.from}, {main.outlet(), early.outlet()}), work_(std::move(work)) {
    wakes(main.before);
  }

 protected:
  bool work() override {
    return (inlet(kMain).available() != 0 && outlet(kMain).room() != 0) ||
           (inlet(kEarly).available() != 0 && outlet(kEarly).room() != 0 && !waits());
  }

  bool make() override {
    size_t const words = work_.words_each() + Work::kWordsEnd;
    auto const main = some(kMain, words, [this](chain::Descriptor& descriptor) { work_.visit(descriptor, batch()); });
    auto const early = some(kEarly, words, [this](chain::Descriptor& descriptor) { work_.visit_early(descriptor, batch()); });
    if (main + early != 0) work_.end(batch());
    return main + early != 0;
  }

  /// The dead one knew which of these may come back; all are waited for.
  void recovered() override { held_ = inlet(kEarly).head(); }

 private:
  static constexpr size_t kMain = 0, kEarly = 1;  // inlets, and their outlets

  /// Has the packet before the next early one yet to come to its main visit?
  [[nodiscard]] bool waits() { return inlet(kMain).head() < (work_.shares() ? inlet(kEarly).head() : held_); }

  template <class Visit>
  uint64_t some(size_t which, size_t words, Visit visit) {
    chain::Inlet& in = inlet(which);
    chain::Outlet& out = outlet(which);
    uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
    uint64_t done = 0;
    chain::Descriptor descriptor;
    for (; done < count && batch().room() >= words && !(which == kEarly && waits()); ++done) {
      in.get(descriptor);
      visit(descriptor);
      out.put(descriptor);
      in.advance();
      if (which == kEarly && work_.may_come_back()) held_ = in.head();
    }
    return done;
  }

  Work work_;
  uint64_t held_ = 0;     // behind there no early visit is made until all main ones up to it are
};

}  // namespace bulkhead::rules
