// ipc/tracking/timeouts.h: how long flows live: the kernel's defaults, or what a policy says (`ct timeout`).
//
// Who     a flow's entry, and its lane, have the number of its policy; track, confirm and the lane go by it.
// Units   nanoseconds of the packet clock.
// Source  nf_conntrack_proto_{tcp,udp,icmp,icmpv6,gre,generic}.c: tcp_timeouts[], udp_timeouts[], *_timeout_nlattr_to_obj().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/ruleset/facts.h"
#include "ipc/tracking/tcp_state.h"

namespace bulkhead::tracking {

inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kUdpUnreplied = 30 * kSecond;
inline constexpr uint64_t kUdpStream = 120 * kSecond;
inline constexpr uint64_t kUdpStreamAge = 2 * kSecond;  // a flow younger than this is no stream yet
inline constexpr uint64_t kIcmp = 30 * kSecond;
inline constexpr uint64_t kGreUnreplied = 30 * kSecond;
inline constexpr uint64_t kGreStream = 180 * kSecond;
inline constexpr uint64_t kTcpUnacknowledged = 300 * kSecond;
inline constexpr uint64_t kTcpRetransmitted = 300 * kSecond;
inline constexpr uint64_t kGeneric = 600 * kSecond;

/// Those that a policy may change.
struct Timeouts {
  /// By TcpState.
  std::array<uint64_t, kTcpStates> tcp{
      /* none */ 120 * kSecond, 120 * kSecond, 60 * kSecond, 432000 * kSecond, 120 * kSecond,
      /* close_wait */ 60 * kSecond, 30 * kSecond, 120 * kSecond, 10 * kSecond, 120 * kSecond};
  uint64_t tcp_retransmitted = kTcpRetransmitted, tcp_unacknowledged = kTcpUnacknowledged;
  uint64_t udp_unreplied = kUdpUnreplied, udp_stream = kUdpStream;

  [[nodiscard]] uint64_t of(TcpState state) const noexcept { return tcp[static_cast<size_t>(state) % tcp.size()]; }
  /// Of a flow of `protocol` that has just been given these.
  [[nodiscard]] uint64_t first(uint8_t protocol) const noexcept;
};
inline constexpr Timeouts kDefaultTimeouts;

/// Those of a ruleset, by number: 0 are the defaults.
class TimeoutPolicies {
 public:
  explicit TimeoutPolicies(std::span<const ruleset::TimeoutPolicy> said);
  /// Of a number that there is not: the defaults.
  [[nodiscard]] const Timeouts& of(uint32_t number) const noexcept {
    return number == 0 || number > policies_.size() ? kDefaultTimeouts : policies_[number - 1];
  }
  /// Of a flow that one of them is set for; without any, the largest number.
  [[nodiscard]] uint64_t shortest_first() const noexcept;

 private:
  std::vector<Timeouts> policies_;
};

}  // namespace bulkhead::tracking
