#include "services/pktio/lanes/in_chain.h"

#include <algorithm>

namespace bulkhead::pktio {
namespace {

constexpr uint64_t kWorthwhile = 4, kPauseAfterMost = 1 << 18;  // packets by the lane for each that missed it

}  // namespace

void InChain::resume(InFlightTable& inflight, uint64_t home, uint64_t sent) {
  std::ranges::fill(packets_, uint16_t{0});
  InFlight slot;
  for (uint64_t number = home + 1; number <= sent; ++number) {
    memory::copy_out(&slot, &inflight.slots()[number & (window_ - 1)], sizeof slot);
    if (slot.hash != 0) enters(slot.hash);
  }
}

bool InChain::pauses(uint64_t home, uint64_t sent) noexcept {
  if (missed_ < pause_after_) return false;
  if (home != sent) return true;
  bool const worthwhile = gone_ >= kWorthwhile * missed_;
  pause_after_ = worthwhile ? window_ / 4 : std::min(2 * pause_after_, kPauseAfterMost);
  missed_ = gone_ = 0;
  return false;
}

}  // namespace bulkhead::pktio
