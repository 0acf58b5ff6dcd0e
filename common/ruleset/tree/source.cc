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

/// `In file included from b.nft:2:1-18:`, and so on to the first.
std::string chain_of_includes(const SourceText& source, const Sources& sources) {
  std::string text;
  const SourceText* inner = &source;
  for (size_t i = 0; i < sources.size() && inner->included_at.known() && inner->included_at.source < sources.size(); ++i) {
    const Location& at = inner->included_at;
    inner = &sources.at(at.source);
    text += fmt::format("{} {}:{}:{}-{}:\n", i == 0 ? "In file included from" : "                 from", inner->name, at.line, at.first, at.last);
  }
  return text;
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic, const Sources& sources) {
  const Location& at = diagnostic.at;
  const char* const kind = diagnostic.warning ? "Warning" : "Error";
  if (!at.known() || at.source >= sources.size()) return fmt::format("{}: {}\n", kind, diagnostic.reason);
  const SourceText& source = sources.at(at.source);
  std::string const line(line_of(source.text, at.line));
  std::string marks;
  for (char const c : line.substr(0, 4096)) marks += c == '\t' ? '\t' : ' ';
  marks.resize(std::max<size_t>(marks.size(), std::min<uint32_t>(at.last, 4096)), ' ');
  if (diagnostic.also.known() && diagnostic.also.source == at.source && diagnostic.also.line == at.line)
    underline(marks, diagnostic.also, '~');
  underline(marks, at, '^');
  marks.erase(marks.find_last_not_of(" \t") + 1);
  if (source.name.empty()) return fmt::format("{}: {}\n{}\n{}\n", kind, diagnostic.reason, line, marks);  // of the command line
  return chain_of_includes(source, sources) + fmt::format("{}:{}:{}-{}: {}: {}\n{}\n{}\n", source.name, at.line, at.first, at.last,
                     kind, diagnostic.reason, line, marks);
}

}  // namespace bulkhead::ruleset