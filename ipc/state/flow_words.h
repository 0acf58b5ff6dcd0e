// ipc/state/flow_words.h: what rules keep of each flow: words of rules.state, behind those of the ruleset.
//
// Who     rules writes (common/ruleset/run/mark.cc and connections.h say what stands in them); the CLI reads marks for its listing.
// Order   one kind after the other, each for all flows by their index; then the nodes of lists of connections.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/ruleset/facts.h"
#include "common/ruleset/run/connections.h"

namespace bulkhead::state {

class FlowWords {
 public:
  static constexpr uint32_t kLabels = 3;  // words of each flow; a mark is one

  FlowWords(const ruleset::Facts& ruleset, uint64_t flows)
      : flows_(flows),
        marks_(ruleset.words),
        labels_(marks_ + (ruleset.marks ? flows : 0)),
        connections_(labels_ + (ruleset.labels ? flows * kLabels : 0)),
        nodes_(connections_ + (ruleset.counts != 0 ? flows : 0)),
        node_count_(ruleset.counts != 0 ? flows * (1 + std::min(ruleset.counts, kListsMost)) : 0) {}

  [[nodiscard]] uint64_t flows() const noexcept { return flows_; }
  [[nodiscard]] bool has_marks() const noexcept { return labels_ != marks_; }
  [[nodiscard]] bool has_labels() const noexcept { return connections_ != labels_; }
  [[nodiscard]] uint64_t mark(uint64_t flow) const noexcept { return marks_ + flow; }
  [[nodiscard]] uint64_t labels(uint64_t flow) const noexcept { return labels_ + flow * kLabels; }
  [[nodiscard]] ruleset::Connections connections() const noexcept {
    return {static_cast<uint32_t>(connections_), static_cast<uint32_t>(flows_), static_cast<uint32_t>(nodes_), static_cast<uint32_t>(node_count_)};
  }
  [[nodiscard]] uint64_t end() const noexcept { return nodes_ + node_count_ * ruleset::ConnectionLists::kNodeWords; }

 private:
  static constexpr uint32_t kListsMost = 3;  // that a flow may be expected to be in, beside one more

  uint64_t flows_, marks_, labels_, connections_, nodes_, node_count_;
};

}  // namespace bulkhead::state
