#include "services/pktio/out/verdict_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/json_text.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kLineMost = verdict_line_max + 2UL * 6 * 64 + 2 * kEndpointMost;  // without a rule

std::string json_of(const ruleset::Facts::Rule& rule) {
  std::string text;
  auto const field = [&text](std::string_view opening, std::string_view value) {
    text += opening;
    escape_json(value, [&text](std::string_view piece) { text += piece; });
  };
  field("{\"family\":\"", rule.family);
  field("\",\"table\":\"", rule.table);
  field("\",\"chain\":\"", rule.chain);
  return text += fmt::format("\",\"handle\":{}}}", rule.handle);
}

}  // namespace

VerdictReport::VerdictReport(const control::Settings& settings) {
  for (const auto& interface : settings.interfaces) interfaces_.push_back(interface.name);
  size_t longest = 0;
  for (const auto& rule : settings.ruleset.rules) {
    rules_.push_back(json_of(rule));
    longest = std::max(longest, rules_.back().size() + 16);
  }
  line_.resize(kLineMost + longest);
}

/// Verdict, and what decided it.
void VerdictReport::name_fate(const chain::Descriptor& descriptor, VerdictLine& line) const {
  bool const forwarded = descriptor.reason == chain::DropReason::forwarded;
  bool const passed = descriptor.verdict == chain::Verdict::accept || forwarded;
  bool const by_rule = descriptor.rule != 0 && descriptor.rule <= rules_.size();
  bool const rule_decides = by_rule && (passed || descriptor.reason == chain::DropReason::rule);
  line.verdict = forwarded ? "forward" : passed ? "accept" : (descriptor.orders & chain::Orders::rejected) != 0 ? "reject" : "drop";
  if (rule_decides) line.rule = rules_[descriptor.rule - 1];
  else if (!passed) line.reason = chain::name_of(descriptor.reason);
}

std::string_view VerdictReport::line(const chain::Descriptor& descriptor, const Input& input, const packet::Rewriting* what) {
  bool const forwarded = descriptor.reason == chain::DropReason::forwarded;
  bool const passed = descriptor.verdict == chain::Verdict::accept || forwarded;
  bool const local = (descriptor.orders & chain::Orders::local) != 0;
  VerdictLine line{};
  line.n = input.packet;
  line.in = interfaces_[input.in];
  line.stamp_ns = input.stamp_ns;
  name_fate(descriptor, line);
  if (passed) line.out = local && !forwarded ? "local" : std::string_view(interfaces_[descriptor.out]);
  line.state = chain::name_of(descriptor.state);
  if (passed && what != nullptr) {
    if ((what->outer & packet::Rewriting::source) != 0) line.nat_source = endpoint(source_, what->to, packet::Part::source);
    if ((what->outer & packet::Rewriting::destination) != 0)
      line.nat_destination = endpoint(destination_, what->to, packet::Part::destination);
  }
  return {line_.data(), format_verdict_line(line_, line)};
}

}  // namespace bulkhead::pktio
