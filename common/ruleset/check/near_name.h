// common/ruleset/check/near_name.h: which name was meant by one that is not there, as nft 1.0.6 guesses.
#pragma once

#include <cstddef>
#include <string_view>

namespace bulkhead::ruleset {

class NearName {
 public:
  explicit NearName(std::string_view asked) : asked_(asked) {}
  /// Whether this is the nearest so far, and near enough.
  bool offer(std::string_view name);

 private:
  std::string_view asked_;
  size_t nearest_ = static_cast<size_t>(-1);
};

}  // namespace bulkhead::ruleset
