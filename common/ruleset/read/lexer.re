// common/ruleset/read/lexer.re: bytes into tokens (re2c). What a word means is not known here: scanner.h.
#include "common/ruleset/read/token.h"

namespace bulkhead::ruleset {
namespace {

struct Cut {
  Raw raw;
  const char* end;
};

/// The bytes end with a NUL beyond `limit`.
Cut cut_one(const char* cursor, const char* limit) {
  const char* marker = cursor;
  const char* const begin = cursor;
  /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = cursor;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;
    re2c:flags:type-header = 0;

    digit = [0-9];
    hex = [0-9a-fA-F];
    letter = [a-zA-Z];
    quad = digit{1,3} "." digit{1,3} "." digit{1,3} "." digit{1,3};
    ip6 = (hex{0,4} ":"){2,8} (hex{0,4} | quad);
    word = ([a-zA-Z_.] | "\\" "*") [a-zA-Z0-9_./\-]* ("*" | "\\*")?;

    [ \t\r]+                  { return {Raw::bad, cursor}; }
    "\\" [ \t]* "\n"          { return {Raw::bad, cursor}; }
    "#" [^\n\x00]*            { return {Raw::bad, cursor}; }
    "\n"                      { return {Raw::newline, cursor}; }
    ["] [^"\n\x00]* ["]       { return {Raw::string, cursor}; }
    "==" { return {Raw::equal, cursor}; }
    "!=" { return {Raw::differs, cursor}; }
    "<=" { return {Raw::at_most, cursor}; }
    ">=" { return {Raw::at_least, cursor}; }
    "<<" { return {Raw::left, cursor}; }
    ">>" { return {Raw::right, cursor}; }
    "@" ("ll"|"nh"|"th"|"ih") [ ]* "," [ ]* digit+ [ ]* "," [ ]* digit+ { return {Raw::raw_payload, cursor}; }
    "0x" hex+ | digit+        { return {Raw::number, cursor}; }
    hex{1,4} ":" hex{1,4} / [ \t\r\n:,;)}\x00-] { return {Raw::word, cursor}; }
    quad                      { return {Raw::word, cursor}; }
    ip6                       { return {Raw::word, cursor}; }
    digit+ letter [a-zA-Z0-9]* { return {Raw::word, cursor}; }
    "."                       { return {Raw::punctuation, cursor}; }
    word                      { return {Raw::word, cursor}; }
    [{}()[\],;:=<>&|^!/*@$.+-] { return {Raw::punctuation, cursor}; }
    [\x00]                    { return begin >= limit ? Cut{Raw::end, begin} : Cut{Raw::punctuation, cursor}; }
    *                         { return {Raw::punctuation, cursor}; }
  */
}

}  // namespace

std::vector<Token> cut(const Sources& sources, uint32_t index) {
  const std::string& text = sources.at(index).text;
  const char* const limit = text.c_str() + text.size();
  std::vector<Token> tokens;
  const char* at = text.c_str();
  const char* line_begin = at;
  uint32_t line = 1;
  while (tokens.size() < kMostTokens) {
    Cut const found = cut_one(at, limit);
    auto const column = static_cast<uint32_t>(at - line_begin) + 1;
    auto const length = static_cast<uint32_t>(found.end - at);
    Token token{found.raw, *at, std::string_view(at, length), {index, line, column, column + (length == 0 ? 0 : length - 1)}};
    if (found.raw == Raw::string) token.text = token.text.substr(1, length - 2);
    if (found.raw != Raw::bad) tokens.push_back(token);
    if (found.raw == Raw::end) return tokens;
    at = found.end;
    if (found.raw == Raw::newline || (found.raw == Raw::bad && at[-1] == '\n')) {
      ++line;
      line_begin = at;
    }
  }
  tokens.push_back({Raw::end, 0, {}, {index, line, 1, 1}});
  return tokens;
}

}  // namespace bulkhead::ruleset
