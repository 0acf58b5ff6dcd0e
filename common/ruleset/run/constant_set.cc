// common/ruleset/run/constant_set.cc: see program.h. One field: binary search. Several: a hash of the exact elements, and a list of
// those that are wider.
#include <algorithm>
#include <bit>

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

ConstantSet::ConstantSet(size_t fields, std::vector<Range> ranges) : fields_(fields), ranges_(std::move(ranges)) {
  acts_ = std::ranges::any_of(ranges_, [](const Range& range) { return range.acts.count != 0; });
  expires_ = std::ranges::any_of(ranges_, [](const Range& range) { return range.expires_ns != 0; });
  if (fields_ == 1) {
    // What is for all others (`*`) stands first.
    std::ranges::sort(ranges_, [](const Range& left, const Range& right) {
      return left.low[0] != right.low[0] ? left.low[0] < right.low[0] : left.high[0] > right.high[0];
    });
    return;
  }
  auto const wide = std::stable_partition(ranges_.begin(), ranges_.end(),
                                          [](const Range& range) { return range.low == range.high; });
  first_wide_ = static_cast<size_t>(wide - ranges_.begin());
  places_.resize(std::bit_ceil(2 * first_wide_ + 1));
  for (size_t i = 0; i < first_wide_; ++i) {
    size_t at = hash_of(ranges_[i].low.data(), fields_);
    while (places_[at & (places_.size() - 1)] != 0) ++at;
    places_[at & (places_.size() - 1)] = static_cast<uint32_t>(i + 1);
  }
}

size_t ConstantSet::hash_of(const Number* fields, size_t count) noexcept {
  uint64_t hash = 0x9e3779b97f4a7c15U;
  for (size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<uint64_t>(fields[i])) * 0xff51afd7ed558ccdU;
    hash = (hash ^ hash >> 32 ^ static_cast<uint64_t>(fields[i] >> 64)) * 0xc4ceb9fe1a85ec53U;
  }
  return static_cast<size_t>(hash ^ hash >> 29);
}

const ConstantSet::Range* ConstantSet::find(const Number* fields) const noexcept {
  if (fields_ == 1) {
    auto const behind = std::ranges::upper_bound(ranges_, fields[0], {}, [](const Range& range) { return range.low[0]; });
    if (behind == ranges_.begin()) return nullptr;
    if (fields[0] <= (behind - 1)->high[0]) return &*(behind - 1);
    return ranges_.front().high[0] == ~Number{0} ? ranges_.data() : nullptr;
  }
  for (size_t at = hash_of(fields, fields_); places_[at & (places_.size() - 1)] != 0; ++at) {
    const Range& range = ranges_[places_[at & (places_.size() - 1)] - 1];
    if (std::equal(fields, fields + fields_, range.low.begin())) return &range;
  }
  for (size_t i = first_wide_; i < ranges_.size(); ++i) {
    const Range& range = ranges_[i];
    bool inside = true;
    for (size_t field = 0; field < fields_ && inside; ++field)
      inside = range.low[field] <= fields[field] && fields[field] <= range.high[field];
    if (inside) return &range;
  }
  return nullptr;
}

}  // namespace bulkhead::ruleset