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

}  // namespace

void mark_steady(Program& program) {
  for (CompiledRule& rule : program.rules)
    rule.steady = steady_steps(program, program.steps_of(rule), family_of(program.chains[rule.chain]));
  for (CompiledChain& chain : program.chains)
    chain.steady = chain.classifier == nullptr || std::ranges::all_of(chain.classifier->indexes(), [&](const Classifier::Index& index) {
                     return steady_steps(program, index.load, family_of(chain)) == index.load.size();
                   });
}

}  // namespace bulkhead::ruleset
