#include "common/ruleset/compile/steady.h"

#include <algorithm>
#include <span>

#include "common/ruleset/operations.h"
#include "common/ruleset/run/classifier.h"

namespace bulkhead::ruleset {
namespace {

uint8_t family_of(const CompiledChain& chain) { return chain.family == "ip6" ? 6 : chain.family == "ip" ? 4 : 0; }

/// How many steps there are before the first that is not. `family`: 0: not known.
uint32_t steady_steps(const Program& program, std::span<const Step> steps, uint8_t family) {
  for (uint32_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const StepOperation& operation = program.operation(step);
    if (operation.says_family) family = static_cast<uint8_t>(step.a);
    const Step* const next = i + 1 < steps.size() ? &steps[i + 1] : nullptr;
    bool const steady = operation.steady_where != nullptr ? operation.steady_where(step, next, family, program) : operation.steady;
    if (!steady) return i;
  }
  return static_cast<uint32_t>(steps.size());
}

/// Says the rule what becomes of the packet, and not that it is dropped?
bool may_pass(const Program& program, const CompiledRule& rule) {
  return std::ranges::any_of(program.steps_of(rule), [&](const Step& step) {
    using Verdict = StepOperation::Verdict;
    constexpr Verdict none_passes[] = {Verdict::none, Verdict::drop, Verdict::reject, Verdict::reset, Verdict::return_, Verdict::go_on};
    return std::ranges::find(none_passes, program.operation(step).verdict) == std::end(none_passes);
  });
}

uint32_t lost_from(const Program& program, const CompiledChain& chain) {
  if (!chain.base || !chain.drops) return ~0U;
  uint32_t first = chain.first + chain.count;
  while (first > chain.first && !may_pass(program, program.rules[first - 1])) --first;
  return first;
}

}  // namespace

void mark_steady(Program& program) {
  for (CompiledRule& rule : program.rules)
    rule.steady = steady_steps(program, program.steps_of(rule), family_of(program.chains[rule.chain]));
  for (CompiledChain& chain : program.chains) {
    chain.lost_from = lost_from(program, chain);
    chain.steady = chain.classifier == nullptr || std::ranges::all_of(chain.classifier->indexes(), [&](const Classifier::Index& index) {
                     return steady_steps(program, index.load, family_of(chain)) == index.load.size();
                   });
  }
}

}  // namespace bulkhead::ruleset
