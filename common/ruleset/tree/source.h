// common/ruleset/tree/source.h: the files of one reading, and what is wrong in them.
//
// Units   columns from 1, inclusive; a tab is one column, as nft counts.
// Shape   Diagnostic prints as nft does: place, reason, the line, and ^^^ under the token (~~~ under a second one).
// Owner   Sources keeps the bytes; tokens point into them.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "common/ruleset/tree/generic.h"

namespace bulkhead::ruleset {

struct SourceText {
  std::string name;  // as in messages
  std::string text;
  Location included_at{};  // of a file that another one includes
};

class Sources {
 public:
  uint32_t add(std::string name, std::string text, const Location& included_at = {}) {
    all_.push_back({std::move(name), std::move(text), included_at});
    return static_cast<uint32_t>(all_.size() - 1);
  }
  [[nodiscard]] const SourceText& at(uint32_t index) const { return all_[index]; }
  [[nodiscard]] size_t size() const { return all_.size(); }

 private:
  std::deque<SourceText> all_;
};

struct Diagnostic {
  Location at, also;
  std::string reason;
  bool warning = false;
};

class Diagnostics {
 public:
  static constexpr size_t kMost = 100;
  void error(const Location& at, std::string reason, const Location& also = {}) {
    ++count_;
    if (all_.size() < kMost) all_.push_back({at, also, std::move(reason)});
  }
  [[nodiscard]] bool any() const { return count_ != 0; }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }

 private:
  size_t count_ = 0;
  std::vector<Diagnostic> all_;
};

/// As nft prints it, with the files that include this one, and the line's end.
std::string to_text(const Diagnostic& diagnostic, const Sources& sources);

/// From the first of one to the last of the other; a range that leaves its line ends with the line.
constexpr Location join(const Location& first, const Location& last) {
  if (!first.known()) return last;
  if (first.source != last.source || first.line != last.line || last.last < first.first) return first;
  return {first.source, first.line, first.first, last.last};
}

}  // namespace bulkhead::ruleset