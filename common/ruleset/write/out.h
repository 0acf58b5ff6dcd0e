// common/ruleset/write/out.h: rules as text, as nft lists them.
//
// Who     print.cc for whole rulesets; modules for their own statements.
#pragma once

#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

class Out {
 public:
  Out(std::string& text, const Style& style, std::string_view family) : text_(text), style_(style), family_(family) {}
  Out& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  Out& operator<<(const Expression& expression) {
    print(expression);
    return *this;
  }
  Out& number(Number number);
  /// The next line of an object's block.
  void line() { text_ += "\n\t\t"; }
  void print(const Expression& expression);
  void statement(const Statement& statement);
  /// As `statement`, without what changes: counters, quotas used.
  void stateless(const Statement& one);
  /// Bytes in the largest unit that leaves no rest.
  void bytes(uint64_t count);
  [[nodiscard]] const Style& style() const { return style_; }
  [[nodiscard]] std::string_view family() const { return family_; }
  [[nodiscard]] std::string& text() { return text_; }

 private:
  void select(const Expression& expression);
  void modifiers(const Expression& select);
  void parameter(const Parameter& parameter, Number value);
  void set(const Expression& expression);
  void element(const Expression& expression);
  void joined_flags(const Expression& flags, bool parentheses);
  void binary(const Expression& expression);
  void separated(const std::vector<Expression>& parts, std::string_view separator);

  std::string& text_;
  Style style_;
  std::string_view family_;
};

/// 10485760 is {10, "mbytes"}.
std::pair<uint64_t, std::string_view> largest_unit(uint64_t bytes);

}  // namespace bulkhead::ruleset
