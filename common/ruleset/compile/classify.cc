// common/ruleset/compile/classify.cc: conditions of rules, read off their steps, and which of them an index is made of.
#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "common/ruleset/operations.h"
#include "common/ruleset/run/classifier.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint32_t kLongChain = 24;      // rules; below, trying them costs no more than asking
constexpr size_t kWorthwhile = 8;        // rules that a packet is spared, at least
constexpr size_t kEntriesPerRule = 16;   // of an index: so that ranges over ranges do not fill memory

using Ranges = StepOperation::Ranges;

/// Two loads that are equal in this give the same value.
using Part = std::tuple<OperationNumber, uint16_t, uint32_t, Number, Number>;
using Key = std::vector<Part>;

struct Condition {
  Key key;
  std::vector<Step> load;
  Ranges ranges;
};

/// Up to the first step that does something.
std::vector<Condition> conditions_of(const Program& program, const CompiledRule& rule) {
  using Role = StepOperation::Role;
  std::vector<Condition> all;
  std::array<std::vector<Step>, Evaluation::kRegisters> loads;
  auto const condition = [&](const Step& step, const StepOperation& operation) {
    const std::vector<Step>& load = loads.at(step.to);
    if (load.empty()) return;
    Key key;
    for (const Step& one : load) key.emplace_back(one.operation, one.bits, one.offset, one.a, one.b);
    all.push_back({std::move(key), load, operation.ranges(step, program)});
  };
  for (const Step& step : program.steps_of(rule)) {
    const StepOperation& operation = program.operation(step);
    std::vector<Step>& load = loads.at(step.to);
    Step into_first = step;
    into_first.to = 0;
    switch (operation.role) {
      case Role::action: return all;
      case Role::test: break;
      case Role::load: load = {into_first}; break;
      case Role::change:
        if (!load.empty()) load.push_back(into_first);
        break;
      case Role::constant: load.clear(); break;
      case Role::condition:
        condition(step, operation);
        if (operation.verdict != StepOperation::Verdict::none) return all;
        break;
      case Role::map:
        condition(step, operation);
        loads.fill({});
        break;
    }
  }
  return all;
}

/// A rule that might stand in an index.
struct Entry {
  uint32_t rule;
  const Condition* condition;
  std::vector<std::pair<size_t, size_t>> intervals;  // first, behind the last; apart from each other
  size_t covered = 0;
};

/// One value that some rules ask about, cut into intervals.
class Plan {
 public:
  Plan(std::vector<Entry> entries, size_t most) : entries_(std::move(entries)) {
    cut();
    for (Entry& entry : entries_) place(entry);
    admit(most);
  }
  /// Rules that a packet is spared, by the mean of the common and the worst value.
  [[nodiscard]] size_t spared() const {
    size_t const mean = (all_ / starts_.size() + longest_) / 2;
    return entries_.size() - std::min(mean, entries_.size());
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] Classifier::Index index() const {
    std::vector<std::vector<uint32_t>> lists(starts_.size());
    for (const Entry& entry : entries_)
      for (auto const& [first, behind] : entry.intervals)
        for (size_t i = first; i < behind; ++i) lists[i].push_back(entry.rule);
    Classifier::Index made{entries_.front().condition->load, starts_, {0}, {}};
    for (auto& list : lists) {
      std::ranges::sort(list);
      made.rules.insert(made.rules.end(), list.begin(), list.end());
      made.first.push_back(static_cast<uint32_t>(made.rules.size()));
    }
    return made;
  }

 private:
  void cut() {
    starts_.push_back(0);
    for (const Entry& entry : entries_)
      for (auto const& [low, high] : entry.condition->ranges) {
        starts_.push_back(low);
        if (high != ~Number{0}) starts_.push_back(high + 1);
      }
    std::ranges::sort(starts_);
    starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
  }
  [[nodiscard]] size_t interval_of(Number value) const {
    return static_cast<size_t>(std::ranges::upper_bound(starts_, value) - starts_.begin()) - 1;
  }
  void place(Entry& entry) const {
    Ranges ranges = entry.condition->ranges;
    std::ranges::sort(ranges);
    for (auto const& [low, high] : ranges) {
      size_t first = interval_of(low);
      size_t const behind = interval_of(high) + 1;
      if (!entry.intervals.empty()) first = std::max(first, entry.intervals.back().second);
      if (first >= behind) continue;
      entry.intervals.emplace_back(first, behind);
      entry.covered += behind - first;
    }
  }
  /// The narrowest first, as long as there is room; what covers most of the values gains nothing.
  void admit(size_t most) {
    std::ranges::stable_sort(entries_, {}, &Entry::covered);
    size_t count = 0;
    for (; count < entries_.size(); ++count) {
      size_t const covered = entries_[count].covered;
      if (all_ + covered > most || 2 * covered > starts_.size()) break;
      all_ += covered;
    }
    entries_.resize(count);
    std::vector<size_t> lengths(starts_.size());
    for (const Entry& entry : entries_)
      for (auto const& [first, behind] : entry.intervals)
        for (size_t i = first; i < behind; ++i) longest_ = std::max(longest_, ++lengths[i]);
  }

  std::vector<Entry> entries_;
  std::vector<Number> starts_;
  size_t all_ = 0, longest_ = 0;  // rules in all lists, in the longest
};

class Classification {
 public:
  Classification(const Program& program, const CompiledChain& chain) : first_(chain.first), conditions_(chain.count), placed_(chain.count) {
    for (uint32_t i = 0; i < chain.count; ++i) conditions_[i] = conditions_of(program, program.rules[first_ + i]);
  }
  std::shared_ptr<const Classifier> classifier() {
    std::vector<Classifier::Index> indexes;
    while (indexes.size() < Classifier::kIndexesMost) {
      auto const best = best_plan();
      if (!best || best->spared() < kWorthwhile) break;
      indexes.push_back(best->index());
      for (const Entry& entry : best->entries()) placed_[entry.rule - first_] = true;
    }
    if (indexes.empty()) return nullptr;
    std::vector<uint32_t> always;
    for (uint32_t i = 0; i < placed_.size(); ++i)
      if (!placed_[i]) always.push_back(first_ + i);
    return std::make_shared<const Classifier>(std::move(indexes), std::move(always));
  }

 private:
  std::optional<Plan> best_plan() {
    std::map<Key, std::vector<Entry>> keys;
    for (uint32_t i = 0; i < placed_.size(); ++i) {
      if (placed_[i]) continue;
      for (const Condition& condition : conditions_[i]) {
        std::vector<Entry>& entries = keys[condition.key];
        bool const again = !entries.empty() && entries.back().rule == first_ + i;  // two conditions on one value: one will do
        if (!again) entries.push_back({first_ + i, &condition, {}, 0});
      }
    }
    std::optional<Plan> best;
    for (auto& [key, entries] : keys) {
      if (entries.size() < kWorthwhile) continue;
      Plan plan(std::move(entries), kEntriesPerRule * placed_.size());
      if (!plan.entries().empty() && (!best || plan.spared() > best->spared())) best = std::move(plan);
    }
    return best;
  }

  uint32_t first_;
  std::vector<std::vector<Condition>> conditions_;
  std::vector<bool> placed_;
};

/// A chain is asked once, when it is entered: what its rules set, its later rules would not see.
bool sets_fields(const Program& program, const CompiledChain& chain) {
  return std::ranges::any_of(program.rules_of(chain), [&](const CompiledRule& rule) {
    return std::ranges::any_of(program.steps_of(rule), [&](const Step& step) { return program.operation(step).edits; });
  });
}

}  // namespace

void classify(Program& program) {
  for (CompiledChain& chain : program.chains)
    if (chain.count >= kLongChain && !sets_fields(program, chain)) chain.classifier = Classification(program, chain).classifier();
}

}  // namespace bulkhead::ruleset