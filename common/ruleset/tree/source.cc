#include "common/ruleset/tree/source.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::ruleset {
namespace {

std::string_view line_of(const std::string& text, uint32_t line) {
  size_t begin = 0;
  for (uint32_t i = 1; i < line && begin != std::string::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos || begin > text.size()) return {};
  return std::string_view(text).substr(begin, text.find('\n', begin) - begin);
}

void underline(std::string& marks, const Location& at, char with) {
  for (size_t column = at.first; column <= at.last && column <= marks.size(); ++column) marks[column - 1] = with;
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic, const Sources& sources) {
  const Location& at = diagnostic.at;
  if (!at.known() || at.source >= sources.size()) return fmt::format("Error: {}\n", diagnostic.reason);
  const SourceText& source = sources.at(at.source);
  std::string const line(line_of(source.text, at.line));
  std::string marks;
  for (char const c : line.substr(0, 4096)) marks += c == '\t' ? '\t' : ' ';
  marks.resize(std::max<size_t>(marks.size(), std::min<uint32_t>(at.last, 4096)), ' ');
  if (diagnostic.also.known() && diagnostic.also.source == at.source && diagnostic.also.line == at.line)
    underline(marks, diagnostic.also, '~');
  underline(marks, at, '^');
  marks.erase(marks.find_last_not_of(" \t") + 1);
  if (source.name.empty()) return fmt::format("Error: {}\n{}\n{}\n", diagnostic.reason, line, marks);  // of the command line
  return fmt::format("{}:{}:{}-{}: {}: {}\n{}\n{}\n", source.name, at.line, at.first, at.last,
                     diagnostic.warning ? "Warning" : "Error", diagnostic.reason, line, marks);
}

}  // namespace bulkhead::ruleset