// common/ruleset/types/label_names.h: names of conntrack labels, as the host's connlabel.conf gives them.
//
// Form    a line each: the bit's number, decimal or 0x, and its name; # begins a comment. What is behind a line that is
//         none of these is not read.
// Who     the types of `ct label`. Services know numbers only: the ruleset comes to them without names (Style::label_numbers).
// Source  nft: ct.c, datatype.c (rt_symbol_table_init).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::ruleset {

inline constexpr const char* kLabelFile = "/etc/connlabel.conf";

class LabelNames {
 public:
  explicit LabelNames(std::string_view text);
  [[nodiscard]] std::optional<uint32_t> number_of(std::string_view name) const;
  /// Empty: it has none.
  [[nodiscard]] std::string_view name_of(uint32_t number) const;

 private:
  std::vector<std::pair<uint32_t, std::string>> names_;
};

/// The host's, read when first asked for; none where there is no such file.
[[nodiscard]] const LabelNames& host_label_names();

}  // namespace bulkhead::ruleset
