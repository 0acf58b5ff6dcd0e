#include "common/ruleset/compile/resets.h"

#include <algorithm>
#include <optional>
#include <span>

#include "common/ruleset/compile/reach.h"
#include "common/ruleset/operations.h"

namespace bulkhead::ruleset {
namespace {

using Verdict = StepOperation::Verdict;

constexpr Number kEstablished = 2;  // as ct state has it

class Resetting {
 public:
  explicit Resetting(const Program& program) : program_(program), known_(program.chains.size()) {}

  [[nodiscard]] bool chain(uint32_t index) {
    if (known_[index]) return *known_[index];
    known_[index] = false;  // measure() has seen that jumps do not go round
    bool found = false;
    for (const CompiledRule& one : program_.rules_of(program_.chains[index])) found = rule(one) || found;
    known_[index] = found;
    return found;
  }
  [[nodiscard]] bool rule(const CompiledRule& one) {
    for (const Step& step : program_.steps_of(one)) {
      if (program_.operation(step).verdict == Verdict::reset) return true;
      for (uint32_t const target : targets_of(program_, step))
        if (chain(target)) return true;
    }
    return false;
  }

 private:
  const Program& program_;
  std::vector<std::optional<bool>> known_;
};

/// `ct state established,related accept` and its like, a counter perhaps within.
bool accepts_established(const Program& program, const CompiledRule& rule) {
  std::span<const Step> const steps = program.steps_of(rule);
  if (steps.size() < 2 || !program.operation(steps[0]).flow_state) return false;
  const Step& asked = steps[1];
  const StepOperation& asking = program.operation(asked);
  if (asking.verdict == Verdict::by_element && asking.data == StepOperation::Data::set) {
    const auto* const found = asked.count == 1 ? program.sets[asked.data].find(&kEstablished) : nullptr;
    return found != nullptr && found->acts.count == 0 && program.operation(found->then).verdict == Verdict::accept;
  }
  if (asking.holds == nullptr || asked.to != steps[0].to || !asking.holds(asked, program, kEstablished)) return false;
  std::span<const Step> const rest = steps.subspan(2);
  auto const end = std::ranges::find_if_not(rest, [&](const Step& step) { return program.operation(step).goes_on; });
  return end != rest.end() && program.operation(*end).verdict == Verdict::accept;
}

/// Base chain: are the packets of established flows gone before a rule may reset them?
bool is_guarded(const Program& program, Resetting& resetting, uint32_t chain) {
  for (const CompiledRule& rule : program.rules_of(program.chains[chain])) {
    if (resetting.rule(rule)) return false;
    if (accepts_established(program, rule)) return true;
  }
  return true;
}

}  // namespace

Resets resets_of(const Program& program) {
  Resetting resetting(program);
  Resets worst = Resets::none;
  for (const auto& families : program.hooks)
    for (const auto& chains : families)
      for (uint32_t const chain : chains) {
        if (chain == kNatPoint || !resetting.chain(chain)) continue;
        worst = std::max(worst, is_guarded(program, resetting, chain) ? Resets::others : Resets::any);
      }
  return worst;
}

}  // namespace bulkhead::ruleset