#include "common/ruleset/compile/reach.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "common/ruleset/run/dynamic_set.h"
#include "common/ruleset/run/make_numbers.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr size_t kJumpsMost = 16;

/// Calls of StateWords::set() that a step makes at most.
uint64_t own_changes(const Step& step) {
  if (step.run == run::counter || step.run == run::packet_limit || step.run == run::byte_limit) return 2;
  if (step.run == run::quota || step.run == run::set_flow_mark || step.run == run::numgen_inc) return 1;
  return 0;
}

uint64_t of_bodies(const DynamicSet& set) {
  uint64_t most = 0;
  for (const DynamicSet::Body& body : set.bodies) {
    uint64_t all = 0;
    for (const Step& step : body.steps) all += own_changes(step);
    most = std::max(most, all);
  }
  return most;
}

uint64_t changes_of(const Step& step) {
  if (step.run == run::in_dynamic || step.run == run::dynamic_value || step.run == run::dynamic_verdict)
    return of_bodies(*static_cast<const DynamicSet*>(step.data));
  bool const enters = step.run == run::add_element || step.run == run::update_element;
  if (!enters && step.run != run::delete_element) return own_changes(step);
  const DynamicSet& set = *static_cast<const SetUpdate*>(step.data)->set;
  return enters ? set.changes_to_enter() + of_bodies(set) : set.changes_to_move();
}

}  // namespace

std::vector<uint32_t> targets_of(const Step& step) {
  std::vector<uint32_t> all;
  auto const add = [&](Step::Run run, uint32_t chain) {
    if (run == run::jump || run == run::go_to) all.push_back(chain);
  };
  add(step.run, step.chain);
  if (step.run == run::map_verdict)
    for (const auto& range : static_cast<const ConstantSet*>(step.data)->ranges()) add(range.then, range.chain);
  if (step.run == run::dynamic_verdict)
    for (const auto& verdict : static_cast<const DynamicSet*>(step.data)->verdicts) add(verdict.run, verdict.chain);
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
    const CompiledChain& looked = program_.chains[chain];
    for (uint32_t rule = looked.first; rule < looked.first + looked.count; ++rule)
      for (uint32_t i = 0; i < program_.rules[rule].count; ++i)
        add(reach, program_.steps[program_.rules[rule].first + i], level);
    if (too_deep_) return kTooDeep;
    return *(known_[chain] = reach);
  }

 private:
  void add(Reach& reach, const Step& step, size_t level) {
    uint64_t behind = 0;
    for (uint32_t const target : targets_of(step)) {
      const Reach& beyond = of(target, level + 1);
      reach.depth = std::max(reach.depth, beyond.depth + 1);
      behind = std::max(behind, beyond.changes);
    }
    reach.changes = std::min<uint64_t>(reach.changes + changes_of(step) + behind, kChangesMost + 1);
  }
  const Program& program_;
  std::vector<std::optional<Reach>> known_;
  bool too_deep_ = false;
};

}  // namespace

namespace {

/// State that a step changes or reads, where it matters which packet does so first: a set, or a word; none: no such.
using State = std::pair<const void*, uint32_t>;
constexpr char kPeers = 0;
constexpr State kRefusals{&kPeers, 0};  // what peers may still be told

std::optional<State> state_of(const Step& step) {
  bool const looks = step.run == run::in_dynamic || step.run == run::not_in_dynamic || step.run == run::dynamic_value ||
                     step.run == run::dynamic_verdict;
  if (looks) return State{step.data, 0};
  if (step.run == run::add_element || step.run == run::update_element || step.run == run::delete_element)
    return State{static_cast<const SetUpdate*>(step.data)->set, 0};
  if (step.run == run::reject4 || step.run == run::reject6 || step.run == run::reject_any || step.run == run::reset) return kRefusals;
  // Counters add up in any order; before conntrack nobody has a flow to mark.
  bool const plain = step.run == run::counter || step.run == run::set_flow_mark || own_changes(step) == 0;
  return plain ? std::nullopt : std::optional(State{nullptr, step.word});
}

class States {
 public:
  explicit States(const Program& program) : program_(program), seen_(program.chains.size()) {}

  void add(uint32_t chain) {
    if (seen_[chain]) return;
    seen_[chain] = true;
    const CompiledChain& looked = program_.chains[chain];
    for (uint32_t rule = looked.first; rule < looked.first + looked.count; ++rule)
      for (uint32_t i = 0; i < program_.rules[rule].count; ++i) {
        const Step& step = program_.steps[program_.rules[rule].first + i];
        if (auto const state = state_of(step)) all_.insert(*state);
        for (uint32_t const target : targets_of(step)) add(target);
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

bool early_orders(const Program& program) { return !of_early_chains(program).all().empty(); }

bool early_shares(const Program& program) {
  States const early = of_early_chains(program);
  States tracked(program);
  for (const Program::Hooks* hooks : {&program.hooks, &program.nat})
    for (const auto& families : *hooks)
      for (const auto& chains : families)
        for (uint32_t const chain : chains)
          if (chain != kNatPoint && !program.chains[chain].early) tracked.add(chain);
  // A router answers by itself too.
  return early.all().contains(kRefusals) ||
         std::ranges::any_of(early.all(), [&](const State& state) { return tracked.all().contains(state); });
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
      most += twice ? 2 * larger : larger;
    }
  if (most > kChangesMost) return fail("one packet might change more than {} counters and elements", kChangesMost);
  program.changes = static_cast<uint32_t>(most);
  return {};
}

}  // namespace bulkhead::ruleset