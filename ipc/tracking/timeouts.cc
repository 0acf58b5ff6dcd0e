#include "ipc/tracking/timeouts.h"

#include <algorithm>

#include "common/packet/packet.h"

namespace bulkhead::tracking {
namespace {

/// One of ruleset::TimeoutPolicy::kStates: TCP's states first, in their order.
void set_state(Timeouts& policy, size_t which, uint64_t ns) {
  constexpr size_t kRetransmitted = 9, kUnacknowledged = 10, kUnreplied = 11, kReplied = 12;
  switch (which) {
    case kRetransmitted: policy.tcp_retransmitted = ns; return;
    case kUnacknowledged: policy.tcp_unacknowledged = ns; return;
    case kUnreplied: policy.udp_unreplied = ns; return;
    case kReplied: policy.udp_stream = ns; return;
    default: break;
  }
  if (which + 1 < policy.tcp.size()) policy.tcp[which + 1] = ns;
  if (which == 0) policy.tcp[0] = ns;
}

}  // namespace

uint64_t Timeouts::first(uint8_t protocol) const noexcept { return protocol == packet::protocol::tcp ? tcp[0] : udp_unreplied; }

uint64_t TimeoutPolicies::shortest_first() const noexcept {
  uint64_t shortest = ~uint64_t{0};
  for (const Timeouts& one : policies_) shortest = std::min({shortest, one.tcp[0], one.udp_unreplied});
  return shortest;
}

TimeoutPolicies::TimeoutPolicies(std::span<const ruleset::TimeoutPolicy> said) {
  for (const ruleset::TimeoutPolicy& one : said) {
    Timeouts& policy = policies_.emplace_back();
    for (const auto& [which, seconds] : one.states) set_state(policy, which, seconds * kSecond);
  }
}

}  // namespace bulkhead::tracking
