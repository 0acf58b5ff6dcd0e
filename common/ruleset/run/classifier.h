// common/ruleset/run/classifier.h: the rules of a long chain that a packet may match, without trying the others.
//
// What    a rule has conditions: a value of the packet that must lie in some ranges. An Index is about one such value; for each
//         interval between the ends of all its ranges it has the rules that a value in there leaves. A rule stands in one index,
//         or among those that are always tried. Merged in the rules' order these few lists are the packet's candidates; a rule
//         that is left out would not have matched, and would have done nothing before it found out.
// Who     classify.cc makes it when a ruleset is compiled; evaluate.cc asks it. `explain` tries every rule.
// Trust   values that a rule before could have changed (marks) are never asked about.
// Cost    when a packet enters the chain: one binary search an index. No allocation.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

class Classifier {
 public:
  static constexpr size_t kIndexesMost = 3, kListsMost = kIndexesMost + 1;
  struct Index {
    std::vector<Step> load;       // puts the value into register 0, or leaves the rule: then no rule of this index matches
    std::vector<Number> starts;   // of the intervals, ascending; the first is 0
    std::vector<uint32_t> first;  // by interval: where its rules begin; and their end behind the last
    std::vector<uint32_t> rules;  // numbers in Program::rules, ascending within an interval
  };
  using List = std::span<const uint32_t>;

  Classifier(std::vector<Index> indexes, std::vector<uint32_t> always);
  /// The candidates from rule `from` on; gives how many lists. Uses register 0.
  [[nodiscard]] size_t candidates(Evaluation& packet, uint32_t from, std::array<List, kListsMost>& lists) const noexcept;
  [[nodiscard]] const std::vector<Index>& indexes() const { return indexes_; }

 private:
  std::vector<Index> indexes_;
  std::vector<uint32_t> always_;
};

/// Gives long chains their classifiers. classify.cc
void classify(Program& program);

}  // namespace bulkhead::ruleset