#include "common/ruleset/compile/steady.h"

#include <algorithm>
#include <span>

#include "common/ruleset/run/classifier.h"
#include "common/ruleset/run/fib.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset {
namespace {

constexpr Number kFlagsAside = 0x08 | 0x40 | 0x80;  // PSH, ECE, CWR
constexpr uint32_t kTcpFlags = 13 * 8;              // bits

/// Steps that say the same whatever the packet, if what they work on is the same.
bool is_pure(Step::Run run) {
  static const std::vector<Step::Run> known = [] {
    std::vector<Step::Run> all{run::is_family, run::is_protocol, run::is_ether_type, run::equal, run::not_equal, run::less,
                               run::less_or_equal, run::greater, run::greater_or_equal, run::inside, run::outside, run::any_bit,
                               run::no_bit, run::in_set, run::not_in_set, run::map_value, run::map_verdict, run::masked,
                               run::shifted_left, run::shifted_right, run::constant, run::accept, run::drop, run::jump, run::go_to,
                               run::return_, run::go_on, run::set_mark, run::set_flow_mark, run::counter, run::fib_oif,
                               run::fib_oifname, run::fib_type};
    for (const char* key : {"protocol", "nfproto", "l4proto", "mark", "pkttype", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype",
                            "iifgroup", "oifgroup", "cpu", "skuid", "skgid", "cgroup"})
      all.push_back(run::meta(key));
    for (const char* key : {"state", "direction", "status", "mark", "id", "l3proto", "protocol", "saddr", "daddr", "proto-src",
                            "proto-dst", "zone"})
      all.push_back(run::flow(key));
    return all;
  }();
  return std::ranges::find(known, run) != known.end();
}

struct Bits {
  uint32_t first, behind;
  [[nodiscard]] bool hold(const Step& step) const { return step.offset >= first && step.offset + step.bits <= behind; }
};

/// Addresses and protocol. `family`: 0: not known.
bool is_steady_network(const Step& step, uint8_t family) {
  constexpr Bits kSource4{96, 128}, kDestination4{128, 160}, kProtocol4{72, 80};
  constexpr Bits kSource6{64, 192}, kDestination6{192, 320}, kProtocol6{48, 56};
  if (family == 6) return kSource6.hold(step) || kDestination6.hold(step) || kProtocol6.hold(step);
  return kSource4.hold(step) || kDestination4.hold(step) || (family == 4 && kProtocol4.hold(step));
}

/// Ports; and TCP's flags, where those that may differ are masked out at once.
bool is_steady_transport(const Step& step, const Step* next) {
  if (step.offset + step.bits <= 32) return true;
  if (step.offset != kTcpFlags || step.bits != 8 || next == nullptr || next->to != step.to) return false;
  bool const masks = next->run == run::masked || next->run == run::any_bit || next->run == run::no_bit;
  return masks && (next->a & kFlagsAside) == 0;
}

uint8_t family_of(const CompiledChain& chain) { return chain.family == "ip6" ? 6 : chain.family == "ip" ? 4 : 0; }

uint32_t steady_steps(std::span<const Step> steps, uint8_t family) {
  for (uint32_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (step.run == run::is_family) family = static_cast<uint8_t>(step.a);
    bool const steady = step.run == run::network_field     ? is_steady_network(step, family)
                        : step.run == run::transport_field ? is_steady_transport(step, i + 1 < steps.size() ? &steps[i + 1] : nullptr)
                                                           : is_pure(step.run);
    if (!steady) return i;
  }
  return static_cast<uint32_t>(steps.size());
}

}  // namespace

void mark_steady(Program& program) {
  for (CompiledRule& rule : program.rules)
    rule.steady = steady_steps(std::span(program.steps).subspan(rule.first, rule.count), family_of(program.chains[rule.chain]));
  for (CompiledChain& chain : program.chains)
    chain.steady = chain.classifier == nullptr || std::ranges::all_of(chain.classifier->indexes(), [&](const Classifier::Index& index) {
                     return steady_steps(index.load, family_of(chain)) == index.load.size();
                   });
}

}  // namespace bulkhead::ruleset