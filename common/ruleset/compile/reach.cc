#include "common/ruleset/compile/reach.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "common/ruleset/operations.h"
#include "common/ruleset/run/dynamic_set.h"

namespace bulkhead::ruleset {
namespace {

constexpr size_t kJumpsMost = 16;
constexpr std::array kHooksOfCopies{At::output, At::postrouting, At::egress};  // that copies come to

/// Calls of StateWords::set() that a step makes at most.
uint64_t changes_of(const Program& program, const Step& step) {
  const StepOperation& operation = program.operation(step);
  return operation.changes_of != nullptr ? operation.changes_of(step, program) : operation.changes;
}

}  // namespace

std::vector<uint32_t> targets_of(const Program& program, const Step& step) {
  std::vector<uint32_t> all;
  auto const add = [&](OperationNumber said, uint32_t chain) {
    if (said != kNoOperation && program.operation(said).jumps()) all.push_back(chain);
  };
  add(step.operation, step.chain);
  const StepOperation& operation = program.operation(step);
  if (operation.verdict != StepOperation::Verdict::by_element) return all;
  if (operation.data == StepOperation::Data::set)
    for (const auto& range : program.sets[step.data].ranges()) add(range.then, range.chain);
  if (operation.data == StepOperation::Data::dynamic_set)
    for (const auto& verdict : program.dynamic_sets[step.data]->verdicts) add(verdict.operation, verdict.chain);
  return all;
}

namespace {

struct Reach {
  size_t depth = 0;      // jumps
  uint64_t changes = 0;  // words
};

class Measure {
 public:
  explicit Measure(const Program& program) : program_(program), known_(program.chains.size()) {}

  const Reach& of(uint32_t chain, size_t level = 0) {
    static constexpr Reach kTooDeep{kJumpsMost + 1, kChangesMost + 1};
    too_deep_ = too_deep_ || level > kJumpsMost;
    if (too_deep_) return kTooDeep;  // and nobody looks further
    if (known_[chain]) return *known_[chain];
    Reach reach;
    for (const CompiledRule& rule : program_.rules_of(program_.chains[chain]))
      for (const Step& step : program_.steps_of(rule)) add(reach, step, level);
    if (too_deep_) return kTooDeep;
    return *(known_[chain] = reach);
  }

 private:
  void add(Reach& reach, const Step& step, size_t level) {
    uint64_t behind = 0;
    for (uint32_t const target : targets_of(program_, step)) {
      const Reach& beyond = of(target, level + 1);
      reach.depth = std::max(reach.depth, beyond.depth + 1);
      behind = std::max(behind, beyond.changes);
    }
    reach.changes = std::min<uint64_t>(reach.changes + changes_of(program_, step) + behind, kChangesMost + 1);
  }
  const Program& program_;
  std::vector<std::optional<Reach>> known_;
  bool too_deep_ = false;
};

}  // namespace

namespace {

/// State that a step changes or reads, where it matters which packet does so first: its kind, and the set or the word.
using State = std::pair<StepOperation::Order, uint32_t>;
constexpr State kRefusals{StepOperation::Order::peers, 0};  // what peers may still be told

std::optional<State> own_state_of(const Program& program, const Step& step) {
  const StepOperation& operation = program.operation(step);
  switch (operation.order) {
    case StepOperation::Order::none: break;
    case StepOperation::Order::word: return State{operation.order, step.word};
    case StepOperation::Order::peers: return kRefusals;
    case StepOperation::Order::set:
      return State{operation.order, operation.data == StepOperation::Data::update ? program.updates[step.data].set : step.data};
  }
  return std::nullopt;
}

/// Of the step, and of what elements that it may find do.
void add_states_of(const Program& program, const Step& step, std::set<State>& all) {
  if (auto const state = own_state_of(program, step)) all.insert(*state);
  auto const add = [&](const StepRun& acts) {
    for (const Step& one : program.steps_of(acts)) add_states_of(program, one, all);
  };
  const StepOperation::Data data = program.operation(step).data;
  if (data == StepOperation::Data::set && program.sets[step.data].acts())
    for (const ConstantSet::Range& range : program.sets[step.data].ranges()) add(range.acts);
  if (data == StepOperation::Data::dynamic_set)
    for (const StepRun& object : program.dynamic_sets[step.data]->objects) add(object);
}

class States {
 public:
  explicit States(const Program& program) : program_(program), seen_(program.chains.size()) {}

  void add(uint32_t chain) {
    if (seen_[chain]) return;
    seen_[chain] = true;
    for (const CompiledRule& rule : program_.rules_of(program_.chains[chain]))
      for (const Step& step : program_.steps_of(rule)) {
        add_states_of(program_, step, all_);
        for (uint32_t const target : targets_of(program_, step)) add(target);
      }
  }
  [[nodiscard]] const std::set<State>& all() const { return all_; }
  [[nodiscard]] const std::vector<bool>& seen() const { return seen_; }

 private:
  const Program& program_;
  std::vector<bool> seen_;
  std::set<State> all_;
};

/// What chains before conntrack come to.
States of_early_chains(const Program& program) {
  States early(program);
  for (uint32_t i = 0; i < program.chains.size(); ++i)
    if (program.chains[i].early) early.add(i);
  return early;
}

}  // namespace

const CompiledChain* early_edit(const Program& program) {
  States const early = of_early_chains(program);
  for (uint32_t i = 0; i < program.chains.size(); ++i)
    if (early.seen()[i] && program.chains[i].edits) return &program.chains[i];
  return nullptr;
}

const CompiledChain* early_count(const Program& program) {
  States const early = of_early_chains(program);
  auto const counts = [&](const Step& step) {
    const StepOperation& operation = program.operation(step);
    if (operation.data != StepOperation::Data::update) return operation.counts_flows;
    return std::ranges::any_of(program.dynamic_sets[program.updates[step.data].set]->bodies, [](const auto& body) { return !body.lists.empty(); });
  };
  for (uint32_t i = 0; i < program.chains.size(); ++i)
    if (early.seen()[i] && std::ranges::any_of(program.rules_of(program.chains[i]), [&](const CompiledRule& rule) {
          return std::ranges::any_of(program.steps_of(rule), counts);
        }))
      return &program.chains[i];
  return nullptr;
}

namespace {

/// With what copies come to that chains before conntrack have made (copies.h).
std::set<State> states_before(const Program& program) {
  States early = of_early_chains(program);
  auto const copies = [&](const CompiledRule& rule) {
    return std::ranges::any_of(program.steps_of(rule), [&](const Step& step) { return program.operation(step).copies; });
  };
  bool any = false;
  for (uint32_t i = 0; i < program.chains.size(); ++i)
    any = any || (early.seen()[i] && std::ranges::any_of(program.rules_of(program.chains[i]), copies));
  for (At const hook : kHooksOfCopies)
    for (const auto& chains : program.hooks[static_cast<size_t>(hook)])
      for (uint32_t const chain : chains)
        if (any && chain != kNatPoint) early.add(chain);
  return early.all();
}

}  // namespace

bool early_orders(const Program& program) { return !states_before(program).empty(); }

bool early_shares(const Program& program) {
  std::set<State> const early = states_before(program);
  States tracked(program);
  for (const Program::Hooks* hooks : {&program.hooks, &program.nat})
    for (const auto& families : *hooks)
      for (const auto& chains : families)
        for (uint32_t const chain : chains)
          if (chain != kNatPoint && !program.chains[chain].early) tracked.add(chain);
  // A router answers by itself too.
  return early.contains(kRefusals) ||
         std::ranges::any_of(early, [&](const State& state) { return tracked.all().contains(state); });
}

Status measure(Program& program) {
  Measure measure(program);
  for (uint32_t i = 0; i < program.chains.size(); ++i)
    if (measure.of(i).depth > kJumpsMost)
      return fail("chain {}: jumps go round, or deeper than {}", program.chains[i].name, kJumpsMost);
  uint64_t most = program.start == Program::kNoWord ? 0 : 1;
  // A packet meets a hook's chains of type nat beside the others. What is said about it meets those of output and postrouting, which it
  // has not come to then; and if that is said to the router itself, prerouting's as the packet did, and input's.
  for (const Program::Hooks* hooks : {&program.hooks, &program.nat})
    for (size_t at = 0; at < hooks->size(); ++at) {
      bool const twice = hooks == &program.hooks && at == static_cast<size_t>(At::prerouting);
      uint64_t larger = 0;  // of the two families
      for (const auto& chains : (*hooks)[at]) {
        uint64_t all = 0;
        for (uint32_t const chain : chains)
          if (chain != kNatPoint) all += measure.of(chain).changes;
        larger = std::max(larger, all);
      }
      bool const copied = program.copies && hooks == &program.hooks && std::ranges::find(kHooksOfCopies, static_cast<At>(at)) != kHooksOfCopies.end();
      most += (copied ? kCopiesMost + 1 : twice ? 2 : 1) * larger;
    }
  if (most > kChangesMost) return fail("one packet might change more than {} counters and elements", kChangesMost);
  program.changes = static_cast<uint32_t>(most);
  return {};
}

}  // namespace bulkhead::ruleset