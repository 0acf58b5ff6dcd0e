// common/ruleset/read/preprocess.cc: `include`, `define`, `redefine`, `undefine` and `$variables`, before any grammar.
//
// Shape   a variable is the tokens that it was defined with; they stand where it is named, with their own places, so that
//         errors point at the definition, as nft's do.
// Scope   a definition within a block ends with it.
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "common/base/whole_file.h"
#include "common/ruleset/read/keywords.h"
#include "common/ruleset/read/token.h"

namespace bulkhead::ruleset {
namespace {

using Definition = std::vector<Token>;

class Preprocessor {
 public:
  Preprocessor(Sources& sources, const ReadOptions& options, Diagnostics& diagnostics)
      : sources_(sources), options_(options), diagnostics_(diagnostics) {}

  void define(const std::string& name, Definition tokens) { scopes_.back()[name] = std::move(tokens); }

  void read(uint32_t index, size_t depth) {
    std::vector<Token> const tokens = cut(sources_, index);
    bool start = true;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.raw == Raw::end) {
        if (depth == 0 || (!out_.empty() && out_.back().raw != Raw::newline)) push(token, depth);
        return;
      }
      if (start && token.raw == Raw::word) {
        if (token.text == "include" && i + 1 < tokens.size() && tokens[i + 1].raw == Raw::string) {
          Location whole = join(token.at, tokens[i + 1].at);
          ++whole.last;  // nft counts the line's end too
          include(tokens[i + 1], whole, depth);
          ++i;
          continue;
        }
        if (token.text == "define" || token.text == "redefine" || token.text == "undefine") {
          i = definition(tokens, i);
          continue;
        }
      }
      start = token.raw == Raw::newline || token.is(';') || token.is('{') || token.is('}');
      if (token.is('{')) scopes_.emplace_back();
      if (token.is('}') && scopes_.size() > 1) scopes_.pop_back();
      if (scopes_.size() > kMostNesting * 2) return fail(token.at, "nesting too deep");
      if (token.is('$')) i = use(tokens, i, out_);
      else push(token, depth);
      if (stopped_) return;
    }
  }

  std::vector<Token> take() {
    if (out_.empty() || out_.back().raw != Raw::end) out_.push_back({});
    return std::move(out_);
  }

 private:
  void fail(const Location& at, std::string reason) {
    diagnostics_.error(at, std::move(reason));
    stopped_ = true;
  }

  void push(const Token& token, size_t depth) {
    Token copy = token;
    if (token.raw == Raw::end && depth > 0) copy.raw = Raw::newline;
    out_.push_back(copy);
    if (out_.size() > kMostTokens) fail(token.at, "too many tokens");
  }

  const Definition* find(std::string_view name) const {
    for (size_t i = scopes_.size(); i-- > 0;)
      if (auto const found = scopes_[i].find(std::string(name)); found != scopes_[i].end()) return &found->second;
    return nullptr;
  }

  /// `$name` at i: its tokens into `out`; gives the index of its last token.
  size_t use(const std::vector<Token>& tokens, size_t i, std::vector<Token>& out) {
    const Token& name = tokens[i + 1];
    if (name.raw != Raw::word) {
      diagnostics_.error(tokens[i].at, "syntax error, unexpected '$'");
      return i;
    }
    const Definition* const definition = find(name.text);
    if (definition == nullptr) {
      diagnostics_.error(name.at, fmt::format("unknown identifier '{}'", name.text));
      out.push_back(name);  // so that the line's other errors show
      return i + 1;
    }
    for (Token token_of : *definition) {
      token_of.defined = true;
      out.push_back(token_of);
    }
    if (out.size() > kMostTokens) fail(name.at, "too many tokens");
    return i + 1;
  }

  /// `define name = value` at i; gives the index of its last token.
  size_t definition(const std::vector<Token>& tokens, size_t i) {
    const Token& what = tokens[i];
    const Token& name = tokens[i + 1];
    auto const ends = [&](size_t at) {
      return tokens[at].raw == Raw::newline || tokens[at].raw == Raw::end || tokens[at].is(';');
    };
    size_t end = i;
    if (name.raw != Raw::word || is_keyword(name.text)) {
      diagnostics_.error(name.at, fmt::format("syntax error, unexpected {}, expecting string", name.text));
      while (!ends(end + 1)) ++end;
      return end;
    }
    if (what.text == "undefine") {
      if (find(name.text) == nullptr) diagnostics_.error(name.at, fmt::format("undefined symbol '{}'", name.text));
      for (auto& scope : scopes_) scope.erase(std::string(name.text));
      return i + 1;
    }
    if (what.text == "define" && scopes_.back().contains(std::string(name.text)))
      diagnostics_.error(join(what.at, name.at), fmt::format("redefinition of symbol '{}'", name.text));
    if (!tokens[i + 2].is('=')) {
      diagnostics_.error(tokens[i + 2].at, fmt::format("syntax error, unexpected {}, expecting '='", tokens[i + 2].text));
      while (!ends(end + 1)) ++end;
      return end;
    }
    Definition value;
    size_t depth = 0;
    for (end = i + 2; tokens[end + 1].raw != Raw::end && !stopped_; ++end) {
      const Token& token = tokens[end + 1];
      if (depth == 0 && ends(end + 1)) break;
      if (token.is('{')) ++depth;
      if (token.is('}') && depth > 0) --depth;
      if (token.is('$')) end = use(tokens, end + 1, value) - 1;
      else if (token.raw != Raw::newline) value.push_back(token);
    }
    kept_ += value.size();
    if (kept_ > kMostTokens) fail(name.at, "too many tokens");
    define(std::string(name.text), std::move(value));
    return end;
  }

  void include(const Token& name, const Location& whole, size_t depth) {
    if (depth + 1 > kMostIncludes) return fail(whole, fmt::format("Include nested too deeply, max {} levels", kMostIncludes));
    std::string const path(name.text);
    bool const pattern = path.find_first_of("*?[") != std::string::npos;
    std::vector<std::string> candidates;
    if (path.starts_with('/') || path.starts_with("./") || path.starts_with("../")) candidates = {path};
    else
      for (const std::string& directory : options_.include_paths) candidates.push_back(fmt::format("{}/{}", directory, path));
    for (const std::string& candidate : candidates) {
      if (pattern) {
        glob_t found{};
        bool const any = glob(candidate.c_str(), 0, nullptr, &found) == 0;
        for (size_t i = 0; any && i < found.gl_pathc && !stopped_; ++i)
          if (!std::filesystem::is_directory(found.gl_pathv[i])) read_file(found.gl_pathv[i], whole, depth);
        globfree(&found);
        if (any) return;
      } else if (std::filesystem::exists(candidate)) {
        return read_file(candidate, whole, depth);
      }
    }
    if (!pattern) diagnostics_.error(whole, fmt::format("File not found: {}", path));
  }

  void read_file(const std::string& path, const Location& whole, size_t depth) {
    if (sources_.size() >= kMostFiles) return fail(whole, "too many files");
    auto text = read_whole_file(path, kMostBytes - bytes_);
    if (!text) return diagnostics_.error(whole, fmt::format("Could not open file \"{}\": {}", path, text.error().message));
    bytes_ += text->size();
    read(sources_.add(path, std::move(*text), whole), depth + 1);
  }

  Sources& sources_;
  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<Token> out_;
  std::vector<std::unordered_map<std::string, Definition>> scopes_{1};
  size_t bytes_ = 0, kept_ = 0;
  bool stopped_ = false;
};

}  // namespace

std::vector<Token> preprocess(Sources& sources, uint32_t index, const ReadOptions& options, Diagnostics& diagnostics) {
  Preprocessor processor(sources, options, diagnostics);
  for (const auto& [name, value] : options.defines) {
    auto tokens = cut(sources, sources.add("command line", value));
    tokens.pop_back();
    processor.define(name, std::move(tokens));
  }
  processor.read(index, 0);
  return processor.take();
}

}  // namespace bulkhead::ruleset