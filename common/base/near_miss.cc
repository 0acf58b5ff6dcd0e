#include "common/base/near_miss.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

constexpr size_t kLongest = 64;

/// Letters to be changed, neighbours that change places counting once.
size_t distance(std::string_view left, std::string_view right) {
  std::vector<size_t> before, last(right.size() + 1), now(right.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= left.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      size_t const changed = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      now[j] = std::min({changed, last[j] + 1, now[j - 1] + 1});
      bool const swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = std::exchange(last, now);
  }
  return last[right.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> words) {
  if (word.size() < 2 || word.size() > kLongest) return {};
  size_t const most = word.size() <= 4 ? 1 : 2;
  std::string_view best;
  size_t best_distance = most + 1;
  for (std::string_view const one : words) {
    if (one.empty() || one.size() > kLongest) continue;
    size_t const away = distance(word, one);
    if (away == 0) return {};
    if (away < best_distance) best = one, best_distance = away;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> words) {
  std::string_view const meant = nearest_word(word, words);
  return meant.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", meant);
}

}  // namespace bulkhead
