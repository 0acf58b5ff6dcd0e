// common/ruleset/check/arrange.cc: elements of sets in the kernel's order, what is there twice left out, overlaps refused or merged.
//
// Order   as nft lists: intervals by where they begin; single values by value, host-order ones as little-endian numbers;
//         concatenations by their bytes, last byte first; concatenations with ranges as they were added.
#include <algorithm>
#include <numeric>

#include "common/ruleset/check/checker.h"

namespace bulkhead::ruleset {
namespace {

bool is_wide(const Expression& key) { return key.is(Kind::range) || key.is(Kind::prefix); }

bool ends_open(const Expression& key) { return key.is(Kind::value) && key.type->text && key.text.ends_with('*'); }

/// The bytes that the kernel keeps of a value, as nft compares them: least significant first.
void append_bytes(const Expression& value, std::string& bytes) {
  if (value.type != nullptr && value.type->text) {
    std::string text = value.text;
    text.resize(16, '\0');
    bytes += text;
    return;
  }
  size_t const count = (value.bits + 7u) / 8;
  std::string own;
  Number number = low_of(value);
  for (size_t i = 0; i < count; ++i, number >>= 8) own += static_cast<char>(number & 0xff);
  if (value.type == nullptr || value.type->order != ByteOrder::host) std::ranges::reverse(own);
  bytes += own;
  bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
}

std::string sort_bytes(const Expression& key) {
  std::string bytes;
  if (key.is(Kind::concat))
    for (const Expression& part : key.parts) append_bytes(part, bytes);
  else append_bytes(key, bytes);
  std::ranges::reverse(bytes);
  return bytes;
}

/// By value; several flags together come before all others, as nft sorts them.
std::string number_bytes(const Expression& key) {
  std::string bytes;
  Number number = low_of(key);
  if (key.type != nullptr && key.type->bitmask && (number & (number - 1)) != 0) number = 0;
  for (int i = 0; i < 16; ++i, number >>= 8) bytes.insert(bytes.begin(), static_cast<char>(number & 0xff));
  return key.is(Kind::wildcard) ? std::string(64, '\xff') : bytes;
}

bool same_key(const Expression& left, const Expression& right) {
  if (left.is(Kind::concat) != right.is(Kind::concat)) return false;
  if (!left.is(Kind::concat)) return same(left, right);
  if (left.parts.size() != right.parts.size()) return false;
  for (size_t i = 0; i < left.parts.size(); ++i)
    if (!same(left.parts[i], right.parts[i])) return false;
  return true;
}

/// What a map gives for them.
bool same_data(const Expression& left, const Expression& right) {
  if (left.parts.size() < 2 || right.parts.size() < 2) return true;
  const Expression& one = left.parts[1];
  const Expression& other = right.parts[1];
  if (!one.is(Kind::verdict)) return same_key(one, other);
  return one.text == other.text && (one.parts.empty() || other.parts.empty() || one.parts[0].text == other.parts[0].text);
}

/// Concatenations, each of whose fields overlap.
bool overlap(const Expression& left, const Expression& right) {
  if (!left.is(Kind::concat) || !right.is(Kind::concat) || left.parts.size() != right.parts.size()) return false;
  for (size_t i = 0; i < left.parts.size(); ++i) {
    const Expression& one = left.parts[i];
    const Expression& other = right.parts[i];
    if (one.is(Kind::wildcard) || other.is(Kind::wildcard)) continue;
    bool const text = one.is(Kind::value) && one.type != nullptr && one.type->text;
    if (text ? one.text != other.text : low_of(one) > high_of(other) || low_of(other) > high_of(one)) return false;
  }
  return true;
}

bool has_wide(const Expression& key) {
  return key.is(Kind::concat) ? std::ranges::any_of(key.parts, is_wide) : is_wide(key);
}

Expression network_or_range(Expression low, Number high) {
  Expression made = low;
  unsigned host = 0;
  while (host < low.bits && low.number + all_ones(host) < high) ++host;
  if (low.type->prefixes && low.number + all_ones(host) == high && (low.number & all_ones(host)) == 0) {
    made.kind = Kind::prefix;
    made.number = low.bits - host;
    made.parts = {std::move(low)};
    return made;
  }
  Expression end = low;
  end.number = high;
  made.kind = Kind::range;
  made.parts = {std::move(low), std::move(end)};
  return made;
}

/// Concatenations that overlap begin to do so in their first field: by that they are sorted, and each is held beside those that it reaches.
bool apart(const std::vector<Expression>& elements, Checker& checker) {
  auto const first = [&](size_t i) -> const Expression& {
    const Expression& key = elements[i].parts[0];
    return key.is(Kind::concat) ? key.parts[0] : key;
  };
  std::vector<size_t> order(elements.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return low_of(first(i)); });
  for (size_t i = 0; i < order.size(); ++i)
    for (size_t j = i + 1; j < order.size() && low_of(first(order[j])) <= high_of(first(order[i])); ++j) {
      const Expression& one = elements[order[i]];
      const Expression& other = elements[order[j]];
      bool const twice = same_key(one.parts[0], other.parts[0]) && same_data(one, other);
      if (overlap(one.parts[0], other.parts[0]) && !twice)
        return checker.error(elements[std::max(order[i], order[j])].at, "Could not process rule: File exists");
    }
  return true;
}

bool plain_element(const Expression& element) { return element.arguments.empty() && element.statements.empty(); }

bool arrange_intervals(std::vector<Expression>& elements, bool merge, Checker& checker) {
  std::ranges::stable_sort(elements, [](const Expression& left, const Expression& right) {
    bool const any_left = left.parts[0].is(Kind::wildcard), any_right = right.parts[0].is(Kind::wildcard);
    if (any_left || any_right) return !any_left && any_right;
    return low_of(left.parts[0]) < low_of(right.parts[0]);
  });
  std::vector<Expression> arranged;
  for (Expression& element : elements) {
    if (arranged.empty() || element.parts[0].is(Kind::wildcard)) {
      arranged.push_back(std::move(element));
      continue;
    }
    Expression& last = arranged.back();
    Number const low = low_of(element.parts[0]), high = high_of(element.parts[0]);
    Number const last_low = low_of(last.parts[0]), last_high = high_of(last.parts[0]);
    bool const overlaps = low <= last_high;
    bool const touches = last_high != ~Number{0} && low == last_high + 1;
    if (overlaps && low == last_low && high == last_high && element.parts.size() == 1) continue;
    if (merge && element.parts.size() == 1 && (overlaps || touches) && plain_element(element) && plain_element(last)) {
      last.parts[0] = interval(last.parts[0], last_low, std::max(high, last_high));
      continue;
    }
    if (overlaps) return checker.error(element.at, "conflicting intervals specified", last.at);
    arranged.push_back(std::move(element));
  }
  for (Expression& element : arranged)
    if (!element.parts[0].is(Kind::wildcard))
      element.parts[0] = interval(element.parts[0], low_of(element.parts[0]), high_of(element.parts[0]));
  elements = std::move(arranged);
  return true;
}

}  // namespace

Number low_of(const Expression& value) {
  return is_wide(value) ? low_of(value.parts[0]) : value.number;
}

Number high_of(const Expression& value) {
  if (value.is(Kind::range)) return value.parts[1].number;
  if (value.is(Kind::prefix)) return value.parts[0].number | all_ones(value.bits - static_cast<unsigned>(value.number));
  return value.number;
}

Expression interval(const Expression& like, Number low, Number high) {
  Expression value = like;
  value.kind = Kind::value;
  value.parts.clear();
  value.number = low;
  return low == high ? value : network_or_range(std::move(value), high);
}

void shorten(Expression& addresses) {
  Number const high = high_of(addresses);
  addresses = network_or_range(is_wide(addresses) ? Expression(addresses.parts[0]) : addresses, high);
}

bool same(const Expression& left, const Expression& right) {
  if (left.is(Kind::wildcard) || right.is(Kind::wildcard)) return left.kind == right.kind;
  return low_of(left) == low_of(right) && high_of(left) == high_of(right) && left.text == right.text;
}

bool arrange(std::vector<Expression>& elements, bool is_interval, bool merge, Checker& checker) {
  if (elements.empty()) return true;
  const Expression& first = elements[0].parts[0];
  bool const ranges = std::ranges::any_of(elements, [](const Expression& one) { return has_wide(one.parts[0]); });
  bool const text = std::ranges::any_of(elements, [](const Expression& one) { return one.parts[0].is(Kind::value) && one.parts[0].type->text; });
  if (text && (is_interval || std::ranges::any_of(elements, [](const Expression& one) { return ends_open(one.parts[0]); }))) {
    std::ranges::stable_sort(elements, {}, [](const Expression& one) { return one.parts[0].text; });
    return true;
  }
  if (!first.is(Kind::concat) && !text && (is_interval || ranges)) return arrange_intervals(elements, merge, checker);
  bool const sorted = !(first.is(Kind::concat) && (ranges || is_interval));
  if (!sorted && !apart(elements, checker)) return false;
  if (sorted) {
    std::vector<std::pair<std::string, size_t>> order;
    for (size_t i = 0; i < elements.size(); ++i)
      if (!first.is(Kind::concat) && !text) order.emplace_back(number_bytes(elements[i].parts[0]), i);
      else order.emplace_back(elements[i].parts[0].is(Kind::wildcard) ? std::string(64, '\xff') : sort_bytes(elements[i].parts[0]), i);
    std::ranges::stable_sort(order, [](auto const& left, auto const& right) {
      auto const bytes = [](const std::string& text_of) { return std::basic_string_view<unsigned char>(reinterpret_cast<const unsigned char*>(text_of.data()), text_of.size()); };
      return bytes(left.first) < bytes(right.first);
    });
    std::vector<Expression> arranged;
    for (auto const& [bytes, index] : order) {
      if (!arranged.empty() && same_key(arranged.back().parts[0], elements[index].parts[0])) {
        if (!same_data(arranged.back(), elements[index]))
          return checker.error(elements[index].at, "Could not process rule: File exists");
        continue;
      }
      arranged.push_back(std::move(elements[index]));
    }
    elements = std::move(arranged);
  }
  return true;
}

}  // namespace bulkhead::ruleset
