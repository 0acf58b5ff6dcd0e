// ipc/pass.h: a stage with one visit that looks at each descriptor and passes it on.
//
// Who     rules and nat. What they do is a Work: visit(Descriptor&, Batch&) for each descriptor, end(Batch&) for each
//         batch, and how many words these set at most: kWordsEach, kWordsEnd.
// Order   one out for each one in, in the same order.
// Trust   the descriptor is a copy; a Work checks what it uses of it.
#pragma once

#include <algorithm>
#include <utility>

#include "ipc/stage.h"

namespace bulkhead {

template <class Work>
class PassStage : public Stage {
 public:
  PassStage(const StageParts& parts, const Ring& inlet, const Next& next, Work work)
      : Stage(parts, {&inlet}, {next}), work_(std::move(work)) {}

 protected:
  bool work() override { return inlet(0).available() != 0 && outlet(0).room() != 0; }

  bool make() override {
    Inlet& in = inlet(0);
    Outlet& out = outlet(0);
    uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
    uint64_t done = 0;
    Descriptor descriptor;
    while (done < count && batch().room() >= Work::kWordsEach + Work::kWordsEnd) {
      if (done + 4 < count) __builtin_prefetch(&in.slot(4));
      in.get(descriptor);
      work_.visit(descriptor, batch());
      out.put(descriptor);
      in.advance();
      ++done;
    }
    if (done != 0) work_.end(batch());
    return done != 0;
  }

 private:
  Work work_;
};

}  // namespace bulkhead
