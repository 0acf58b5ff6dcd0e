// ipc/pass.h: a stage with one visit that looks at each descriptor and passes it on.
//
// Who     rules and nat. What they do is a Work: visit(Descriptor&, Batch&) for each descriptor, end(Batch&) for each
//         batch, and how many words these set at most: words_each(), kWordsEnd.
// Order   one out for each one in, in the same order.
// Trust   the descriptor is a copy; a Work checks what it uses of it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "ipc/settings.h"
#include "ipc/stage.h"
#include "ipc/wiring.h"

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
    size_t const words = work_.words_each() + Work::kWordsEnd;
    uint64_t done = 0;
    Descriptor descriptor;
    while (done < count && batch().room() >= words) {
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

/// Where such a stage stands in the chain, by names of objects.
struct PassPlace {
  std::string own;   // the service
  std::string from;  // ring it reads
  std::string to;    // ring it writes
  std::string next;  // service that reads `to`
  unsigned head;     // which head of that service's desk
};

template <class Work>
Result<std::unique_ptr<Stage>> make_pass_stage(Objects& objects, const Settings& settings, const PassPlace& place,
                                               Work work) {
  Wiring wiring(objects);
  auto const stage = wiring.stage(place.own);
  auto* from = wiring.object<Ring>(place.from);
  auto* to = wiring.object<Ring>(place.to);
  auto* next = wiring.object<Desk>(place.next + ".desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<PassStage<Work>>(stage.parts(settings.batch), *from,
                                           Next{*to, *next, place.head, objects.bell(place.next)}, std::move(work));
}

}  // namespace bulkhead
