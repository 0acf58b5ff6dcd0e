// ipc/counting.h: the Work of a stage that counts what passes (ipc/pass.h), over its CountingState.
//
// Who     rules and nat.
// Crash   counts of one batch are gathered on the heap and set in its journal at its end: a batch that never
//         happened has counted nothing.
#pragma once

#include <array>
#include <memory>

#include "ipc/commit.h"
#include "ipc/counters.h"
#include "ipc/descriptor.h"
#include "ipc/pass.h"
#include "ipc/settings.h"
#include "ipc/wiring.h"

namespace bulkhead {

template <class State>
class Counting {
 public:
  static constexpr size_t kWordsEach = 0;
  static constexpr size_t kWordsEnd = 16;

  Counting(State& state, bool empty) : state_(state), empty_(empty) {}

  void visit(const Descriptor& descriptor, Batch&) noexcept {
    if (empty_) return;
    gathered_.flows_gone += descriptor.gone_count;
    if (descriptor.kind != Kind::packet) return void(++gathered_.events);
    ++gathered_.packets;
    gathered_.bytes += descriptor.l3_length;
    gathered_.dropped += descriptor.verdict == Verdict::drop;
    ++gathered_.states[static_cast<size_t>(descriptor.state) & 7];
  }

  void end(Batch& batch) noexcept {
    if (empty_) return;
    add(batch, state_.packets, gathered_.packets);
    add(batch, state_.bytes, gathered_.bytes);
    add(batch, state_.events, gathered_.events);
    add(batch, state_.dropped, gathered_.dropped);
    add(batch, state_.flows_gone, gathered_.flows_gone);
    for (size_t i = 0; i < gathered_.states.size(); ++i) add(batch, state_.states[i], gathered_.states[i]);
    gathered_ = {};
  }

 private:
  static void add(Batch& batch, Word<uint64_t>& word, uint64_t more) noexcept {
    if (more != 0) batch.add(word, more);
  }

  struct Gathered {
    uint64_t packets, bytes, events, dropped, flows_gone;
    std::array<uint64_t, 8> states;
  };
  State& state_;
  bool empty_;
  Gathered gathered_{};
};

/// Where such a stage stands in the chain, by names of objects.
struct CountingPlace {
  std::string own;   // the service
  std::string from;  // ring it reads
  std::string to;    // ring it writes
  std::string next;  // service that reads `to`
  unsigned head;     // which head of that service's desk
};

/// `Work`: Counting<State>, or one that is made of the same and of `more`.
template <class State, class Work = Counting<State>, class... More>
Result<std::unique_ptr<Stage>> make_counting_stage(Objects& objects, const Settings& settings,
                                                   const CountingPlace& place, More... more) {
  Wiring wiring(objects);
  auto const stage = wiring.stage(place.own);
  auto* state = wiring.object<State>(place.own + ".state");
  auto* from = wiring.object<Ring>(place.from);
  auto* to = wiring.object<Ring>(place.to);
  auto* next = wiring.object<Desk>(place.next + ".desk");
  if (!wiring.complete()) return tl::unexpected(wiring.error());
  return std::make_unique<PassStage<Work>>(stage.parts(settings.batch), *from,
                                           Next{*to, *next, place.head, objects.bell(place.next)},
                                           Work(*state, settings.chain == Settings::Chain::empty, more...));
}

}  // namespace bulkhead
