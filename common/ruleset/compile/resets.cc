#include "common/ruleset/compile/resets.h"

#include <optional>

#include "common/ruleset/compile/reach.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset {
namespace {

constexpr Number kEstablished = 2;  // as ct state has it

class Resetting {
 public:
  explicit Resetting(const Program& program) : program_(program), known_(program.chains.size()) {}

  [[nodiscard]] bool chain(uint32_t index) {
    if (known_[index]) return *known_[index];
    known_[index] = false;  // measure() has seen that jumps do not go round
    bool found = false;
    const CompiledChain& looked = program_.chains[index];
    for (uint32_t i = looked.first; i < looked.first + looked.count; ++i) found = rule(program_.rules[i]) || found;
    known_[index] = found;
    return found;
  }
  [[nodiscard]] bool rule(const CompiledRule& one) {
    for (uint32_t i = 0; i < one.count; ++i) {
      const Step& step = program_.steps[one.first + i];
      if (step.run == run::reset) return true;
      for (uint32_t const target : targets_of(step))
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
  const Step* step = program.steps.data() + rule.first;
  const Step* const end = step + rule.count;
  if (rule.count < 2 || step->run != run::flow("state")) return false;
  ++step;
  if (step->run == run::map_verdict) {
    const auto* const found = static_cast<const ConstantSet*>(step->data)->find(&kEstablished);
    return found != nullptr && found->then == run::accept;
  }
  bool const among = (step->run == run::any_bit && (step->a & kEstablished) != 0) || (step->run == run::equal && step->a == kEstablished) ||
                     (step->run == run::in_set && static_cast<const ConstantSet*>(step->data)->find(&kEstablished) != nullptr);
  if (!among) return false;
  for (++step; step != end && step->run == run::counter;) ++step;
  return step + 1 == end && step->run == run::accept;
}

/// Base chain: are the packets of established flows gone before a rule may reset them?
bool is_guarded(const Program& program, Resetting& resetting, uint32_t chain) {
  const CompiledChain& base = program.chains[chain];
  for (uint32_t i = base.first; i < base.first + base.count; ++i) {
    if (resetting.rule(program.rules[i])) return false;
    if (accepts_established(program, program.rules[i])) return true;
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