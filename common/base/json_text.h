// common/base/json_text.h: text as a JSON string has it between its quotes (RFC 8259 7).
//
// Bytes   what is UTF-8 stays as it is; control characters become \u00XX, in lower case.
// Cost    allocates nothing.
#pragma once

#include <algorithm>
#include <string_view>

namespace bulkhead {

/// Gives it to `put` in pieces, one after another.
template <class Put>
constexpr void escape_json(std::string_view text, Put put) {
  constexpr std::string_view hex = "0123456789abcdef";
  auto const is_special = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; };
  while (!text.empty()) {
    auto const plain = static_cast<size_t>(std::ranges::find_if(text, is_special) - text.begin());
    put(text.substr(0, plain));
    if (plain == text.size()) return;
    auto const c = static_cast<unsigned char>(text[plain]);
    if (c >= 0x20) {
      put(std::string_view("\\"));
      put(text.substr(plain, 1));
    } else {
      put(std::string_view("\\u00"));
      put(hex.substr(c >> 4, 1));
      put(hex.substr(c & 15, 1));
    }
    text.remove_prefix(plain + 1);
  }
}

}  // namespace bulkhead
