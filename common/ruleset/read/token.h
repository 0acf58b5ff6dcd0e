// common/ruleset/read/token.h: the words of a file, before anybody has asked what they mean.
//
// Who     lexer.re cuts, preprocess.cc puts in includes and variables, scanner.cc finds out what each is.
// Limits  kMost...: a file that goes beyond ends in an error.
#pragma once

#include "common/base/result.h"
#include "common/ruleset/tree/source.h"

namespace bulkhead::ruleset {

enum class Raw : uint8_t { word, string, number, raw_payload, equal, differs, at_most, at_least, left, right,
                           punctuation, newline, end, bad };

struct Token {
  Raw raw = Raw::end;
  char mark = 0;  // punctuation
  std::string_view text;
  Location at;
  bool defined = false;  // stands here for a variable
  [[nodiscard]] bool is(char punctuation) const { return raw == Raw::punctuation && mark == punctuation; }
  [[nodiscard]] bool is(std::string_view word) const { return raw == Raw::word && text == word; }
};

constexpr size_t kMostTokens = 8'000'000, kMostBytes = 64 << 20, kMostIncludes = 16, kMostFiles = 4096;
constexpr size_t kMostNesting = 64, kMostOperators = 200;

/// All tokens of a source, the last one Raw::end.
std::vector<Token> cut(const Sources& sources, uint32_t index);

struct ReadOptions {
  std::vector<std::string> include_paths;  // -I; a relative include is also looked up beside no file but there, as nft does
  std::vector<std::pair<std::string, std::string>> defines;  // -D
};

/// Includes read, variables put in.
std::vector<Token> preprocess(Sources& sources, uint32_t index, const ReadOptions& options, Diagnostics& diagnostics);

}  // namespace bulkhead::ruleset