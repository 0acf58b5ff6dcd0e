#include "common/ruleset/run/classifier.h"

#include <algorithm>

namespace bulkhead::ruleset {
namespace {

Classifier::List behind(Classifier::List list, uint32_t from) {
  return {std::ranges::lower_bound(list, from), list.end()};
}

}  // namespace

Classifier::Classifier(std::vector<Index> indexes, std::vector<uint32_t> always)
    : indexes_(std::move(indexes)), always_(std::move(always)) {}

size_t Classifier::candidates(Evaluation& packet, uint32_t from, std::array<List, kListsMost>& lists) const noexcept {
  size_t count = 0;
  for (const Index& index : indexes_) {
    bool const there = std::ranges::all_of(index.load, [&](const Step& step) { return packet.program->run(step, packet) == Next::step; });
    if (!there) continue;
    auto const interval = static_cast<size_t>(std::ranges::upper_bound(index.starts, packet.registers[0]) - index.starts.begin()) - 1;
    List const all = List(index.rules).subspan(index.first[interval], index.first[interval + 1] - index.first[interval]);
    if (List const left = behind(all, from); !left.empty()) lists[count++] = left;
  }
  if (List const left = behind(always_, from); !left.empty()) lists[count++] = left;
  return count;
}

}  // namespace bulkhead::ruleset