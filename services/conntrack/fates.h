// services/conntrack/fates.h: what rules have made of a packet that has yet to come to confirm.
//
// Who     track, which would otherwise wait for confirm (track.h); it notes of each packet that begins a flow where it has put it.
// Known   what rules drop stays dropped. What they let pass, and order no translation of, becomes a flow with its own tuples,
//         unless its answers' tuple is somebody else's (nat binds each flow): track knows, when the flow begins, that nobody has it.
// Order   each packet that walks the chain has the same place in every ring, and a slot is not used again before it is home.
// Trust   a descriptor out of ring.nat is what rules say. Whether confirm comes to the same is counted there.
// Crash   the places are on the heap: a successor knows of none before it, and waits for confirm. ring.nat's tail is published
//         behind a commit (ipc/chain/stage.h).
#pragma once

#include <vector>

#include "ipc/chain/ring.h"

namespace bulkhead::conntrack {

class Fates {
 public:
  enum class Fate : uint8_t { unknown, dropped, passes };

  /// `decided`: what rules put into.
  explicit Fates(const chain::Ring& decided) : decided_(decided), begun_(decided.header.capacity) {}

  /// Where the packet that is tracked now will be put.
  void at(uint64_t place) noexcept { place_ = place; }
  /// It begins a flow. `alone`: nobody has its answers' tuple, or may get it.
  void begins(uint64_t number, bool alone) noexcept { begun_[number & (begun_.size() - 1)] = {number, place_, alone}; }

  [[nodiscard]] Fate of(uint64_t number) const noexcept {
    const Begun& begun = begun_[number & (begun_.size() - 1)];
    uint64_t const decided = decided_.tail.acquire();
    if (begun.number != number || begun.place >= decided || decided - begun.place > begun_.size()) return Fate::unknown;
    chain::Descriptor descriptor;
    memory::copy_out(&descriptor, &decided_.slots()[begun.place & (begun_.size() - 1)], sizeof descriptor);
    if (descriptor.number != number || descriptor.kind != chain::Kind::packet) return Fate::unknown;
    if (!chain::passed_hooks(descriptor)) return Fate::dropped;
    bool const stays = begun.alone && descriptor.verdict == chain::Verdict::accept && (descriptor.orders & chain::Orders::translate) == 0;
    return stays ? Fate::passes : Fate::unknown;
  }

 private:
  struct Begun {
    uint64_t number = 0, place = 0;
    bool alone = false;
  };
  const chain::Ring& decided_;
  std::vector<Begun> begun_;
  uint64_t place_ = 0;
};

}  // namespace bulkhead::conntrack
