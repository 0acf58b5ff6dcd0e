#include "common/ruleset/types/label_names.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace bulkhead::ruleset {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  std::string_view const word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::optional<uint32_t> bit_number(std::string_view word) {
  bool const hexadecimal = word.starts_with("0x");
  if (hexadecimal) word.remove_prefix(2);
  uint32_t value = 0;
  const char* const end = word.data() + word.size();
  auto const [stopped, error] = std::from_chars(word.data(), end, value, hexadecimal ? 16 : 10);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

}  // namespace

LabelNames::LabelNames(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string_view const first = take_word(line);
    if (first.empty() || first.starts_with('#')) continue;
    auto const bit = bit_number(first);
    std::string_view const name = take_word(line);
    if (!bit || name.empty()) return;
    names_.emplace_back(*bit, name);
  }
}

std::optional<uint32_t> LabelNames::number_of(std::string_view name) const {
  for (const auto& [bit, own] : names_)
    if (own == name) return bit;
  return std::nullopt;
}

std::string_view LabelNames::name_of(uint32_t number) const {
  for (const auto& [bit, own] : names_)
    if (bit == number) return own;
  return {};
}

const LabelNames& host_label_names() {
  static const LabelNames names = [] {
    std::ifstream file(kLabelFile, std::ios::binary);
    return LabelNames(std::string(std::istreambuf_iterator<char>(file), {}));
  }();
  return names;
}

}  // namespace bulkhead::ruleset
