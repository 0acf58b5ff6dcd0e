#include "common/ruleset/check/near_name.h"

#include <algorithm>
#include <vector>

namespace bulkhead::ruleset {
namespace {

constexpr size_t kLongest = 64;  // longer names are not guessed: the cost is the square

/// Letters to change, put in, leave out or swap, as nft counts them: from each word's second letter on, and in a table whose
/// lines overlap by a cell. Guesses would differ from nft's if this were put right.
size_t distance(std::string_view name, std::string_view asked) {
  auto const letter = [](std::string_view word, size_t i) { return i < word.size() ? word[i] : char{0}; };
  std::vector<size_t> cells((name.size() + 1) * (asked.size() + 1));
  auto const cell = [&](size_t i, size_t j) -> size_t& { return cells[i * asked.size() + j]; };
  for (size_t i = 0; i <= name.size(); ++i) cell(i, 0) = i;
  for (size_t j = 0; j <= asked.size(); ++j) cell(0, j) = j;
  for (size_t i = 1; i <= name.size(); ++i)
    for (size_t j = 1; j <= asked.size(); ++j) {
      size_t const change = letter(name, i) == letter(asked, j) ? 0 : 1;
      size_t least = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + change});
      bool const swapped = i > 1 && j > 1 && letter(name, i) == letter(asked, j - 1) && letter(name, i - 1) == letter(asked, j);
      if (swapped) least = std::min(least, cell(i - 2, j - 2) + change);
      cell(i, j) = least;
    }
  return cell(name.size(), asked.size());
}

}  // namespace

bool NearName::offer(std::string_view name) {
  auto const [shorter, longer] = std::minmax({name.size(), asked_.size()});
  if (longer <= 1 || longer > kLongest) return false;
  size_t const most = (longer + (longer - shorter <= 1 ? 0 : 2) + 2) / 3;
  size_t const here = distance(name, asked_);
  if (here > most || here >= nearest_) return false;
  nearest_ = here;
  return true;
}

}  // namespace bulkhead::ruleset
