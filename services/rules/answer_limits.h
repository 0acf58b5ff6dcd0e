// services/rules/answer_limits.h: how often the firewall may answer with an ICMP error, in packet time.
//
// Who     rules, for each answer that it is about to give, and each IPv6 packet that it sends back where it came from.
// Units   times: nanoseconds of the packet clock. Tokens: jiffies of 4 ms (HZ 250, as in Debian's kernels). What is dear and what
//         is cheap takes from the same ones. Who asks in a later jiffy than the last brings what has come since, up to six times
//         the cost of what he asks for.
// Order   by packet number, so that the outcome is a function of the input.
// Crash   all of it lies in rules.state and is changed within the batch.
// Differs from the kernel: peers that share a place of the table forget each other (the kernel's tree grows); each answer
//         takes one of the 50 that everyone shares (the kernel takes 0, 1 or 2, at random).
// Off     settings.answers_limited: as icmp_ratemask 0 and icmp.ratelimit 0 do it, so the limit of "no route" stays.
// Source  Linux 6.18: icmp_global_allow, inet_peer_xrlim_allow, icmpv6_xrlim_allow, ip_error, ip6_forward; sysctls
//         icmp_ratelimit (ICMP a second, ICMPv6 a tenth), icmp_ratemask, icmp_msgs_per_sec, icmp_msgs_burst at their defaults.
#pragma once

#include "common/base/hash.h"
#include "common/base/topology.h"
#include "ipc/control/settings.h"
#include "ipc/memory/commit.h"
#include "ipc/state/counters.h"

namespace bulkhead::rules {

class AnswerLimits {
 public:
  static constexpr size_t kWordsEach = 16;

  AnswerLimits(state::RulesState& state, const control::Settings& settings)
      : state_(state), limited_(settings.answers_limited), hash_(settings.seed) {}

  /// May `type`, `code` go to `peer`? Takes the tokens if so. `self`: the peer is the router.
  [[nodiscard]] bool allow(const IpAddress& peer, bool self, uint8_t type, uint8_t code, uint64_t now_ns, memory::Batch& batch) noexcept;
  /// An IPv6 packet to `peer` leaves by the interface that it came by: a redirect would be due, and takes its tokens although
  /// nobody sends it here.
  void count_redirect(const IpAddress& peer, uint64_t now_ns, memory::Batch& batch) noexcept;
  /// The limit of its own that comes before an IPv4 "no route".
  [[nodiscard]] bool allow_unroutable(const IpAddress& peer, uint64_t now_ns, memory::Batch& batch) noexcept;

 private:
  [[nodiscard]] state::AnswerPeer& peer_of(const IpAddress& address, uint64_t now_ns, memory::Batch& batch) noexcept;
  [[nodiscard]] bool take(const IpAddress& peer, uint64_t cost, uint64_t now_ns, memory::Batch& batch) noexcept;
  /// What is left of those that all share.
  [[nodiscard]] uint64_t left_for_all(uint64_t now_ns, memory::Batch& batch) noexcept;

  state::RulesState& state_;
  bool limited_;
  TupleHash hash_;
};

}  // namespace bulkhead::rules
