// tests/differential/differences.h: what differs, counted and, the first few, shown.
#pragma once

#include <fmt/format.h>

#include <cstdio>

namespace bulkhead::test {

class Differences {
 public:
  template <class... Values>
  void add(fmt::format_string<Values...> form, Values&&... values) {
    if (++count_ <= kMostShown) fmt::print("{}\n", fmt::format(form, std::forward<Values>(values)...));
  }
  [[nodiscard]] size_t count() const { return count_; }

 private:
  static constexpr size_t kMostShown = 40;
  size_t count_ = 0;
};

}  // namespace bulkhead::test
