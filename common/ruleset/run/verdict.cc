#include "common/packet/icmp.h"
#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using Verdict = StepOperation::Verdict;
using Order = StepOperation::Order;

template <Next next>
Next to_chain(const Step& step, Evaluation& packet) noexcept {
  packet.chain = step.chain;
  return next;
}

Next rejected(Evaluation& packet, const Reject& how) {
  packet.reject = how;
  return decide(packet, Decision::reject);
}

/// icmpx codes: no route 0, port unreachable 1, host unreachable 2, administratively prohibited 3.
constexpr std::array<uint8_t, 4> kAny4{0, 3, 1, 13}, kAny6{0, 4, 3, 1};

Next refuse4(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 4) return decide(packet, Decision::drop);
  return rejected(packet, {Reject::Kind::icmp, packet::icmp::unreachable, static_cast<uint8_t>(step.a)});
}

Next refuse6(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 6) return decide(packet, Decision::drop);
  return rejected(packet, {Reject::Kind::icmp, packet::icmpv6::unreachable, static_cast<uint8_t>(step.a)});
}

Next refuse_any(const Step& step, Evaluation& packet) noexcept {
  auto const code = static_cast<size_t>(step.a) & 3;
  if (packet.l3 == 4) return rejected(packet, {Reject::Kind::icmp, packet::icmp::unreachable, kAny4[code]});
  return rejected(packet, {Reject::Kind::icmp, packet::icmpv6::unreachable, kAny6[code]});
}

Next refuse_by_reset(const Step&, Evaluation& packet) noexcept {
  return rejected(packet, {Reject::Kind::tcp_reset, 0, 0});
}

}  // namespace

constinit const StepOperation accept{
    .name = "accept",
    .run = [](const Step&, Evaluation& packet) noexcept { return decide(packet, Decision::accept); },
    .verdict = Verdict::accept,
    .steady = true};
constinit const StepOperation drop{
    .name = "drop",
    .run = [](const Step&, Evaluation& packet) noexcept { return decide(packet, Decision::drop); },
    .verdict = Verdict::drop,
    .steady = true};
constinit const StepOperation jump{
    .name = "jump", .run = to_chain<Next::jump>, .verdict = Verdict::jump, .steady = true};
constinit const StepOperation go_to{
    .name = "goto", .run = to_chain<Next::go_to>, .verdict = Verdict::go_to, .steady = true};
constinit const StepOperation return_{.name = "return",
                                      .run = [](const Step&, Evaluation&) noexcept { return Next::return_; },
                                      .verdict = Verdict::return_,
                                      .steady = true};
constinit const StepOperation go_on{.name = "continue",
                                    .run = [](const Step&, Evaluation&) noexcept { return Next::step; },
                                    .verdict = Verdict::go_on,
                                    .goes_on = true,
                                    .steady = true};

constinit const StepOperation reject4{
    .name = "reject icmp", .run = refuse4, .verdict = Verdict::reject, .order = Order::peers};
constinit const StepOperation reject6{
    .name = "reject icmpv6", .run = refuse6, .verdict = Verdict::reject, .order = Order::peers};
constinit const StepOperation reject_any{
    .name = "reject icmpx", .run = refuse_any, .verdict = Verdict::reject, .order = Order::peers};
constinit const StepOperation reset{
    .name = "reject tcp reset", .run = refuse_by_reset, .verdict = Verdict::reset, .order = Order::peers};

}  // namespace bulkhead::ruleset::run
