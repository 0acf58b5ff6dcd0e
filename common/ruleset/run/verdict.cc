#include "common/packet/icmp.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {

Next accept(const Step&, Evaluation& packet) noexcept {
  packet.verdict = Decision::accept;
  return Next::verdict;
}

Next drop(const Step&, Evaluation& packet) noexcept {
  packet.verdict = Decision::drop;
  return Next::verdict;
}

Next jump(const Step& step, Evaluation& packet) noexcept {
  packet.chain = step.chain;
  return Next::jump;
}

Next go_to(const Step& step, Evaluation& packet) noexcept {
  packet.chain = step.chain;
  return Next::go_to;
}

namespace {

Next rejected(Evaluation& packet, const Reject& how) {
  packet.verdict = Decision::reject;
  packet.reject = how;
  return Next::verdict;
}

/// icmpx codes: no route 0, port unreachable 1, host unreachable 2, administratively prohibited 3.
constexpr std::array<uint8_t, 4> kAny4{0, 3, 1, 13}, kAny6{0, 4, 3, 1};

}  // namespace

Next reject4(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 4) return drop(step, packet);
  return rejected(packet, {Reject::Kind::icmp, packet::icmp::unreachable, static_cast<uint8_t>(step.a)});
}

Next reject6(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 6) return drop(step, packet);
  return rejected(packet, {Reject::Kind::icmp, packet::icmpv6::unreachable, static_cast<uint8_t>(step.a)});
}

Next reject_any(const Step& step, Evaluation& packet) noexcept {
  auto const code = static_cast<size_t>(step.a) & 3;
  if (packet.l3 == 4) return rejected(packet, {Reject::Kind::icmp, packet::icmp::unreachable, kAny4[code]});
  return rejected(packet, {Reject::Kind::icmp, packet::icmpv6::unreachable, kAny6[code]});
}

Next reset(const Step&, Evaluation& packet) noexcept {
  return rejected(packet, {Reject::Kind::tcp_reset, 0, 0});
}

Next return_(const Step&, Evaluation&) noexcept { return Next::return_; }
Next go_on(const Step&, Evaluation&) noexcept { return Next::step; }

}  // namespace bulkhead::ruleset::run