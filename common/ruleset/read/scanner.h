// common/ruleset/read/scanner.h: what a word is where it stands: this is the scanner that the grammar sees.
//
// Who     the parser calls next(); it asks the registry, so that the grammar knows classes of words and no module.
// State   a stack of blocks, what the line is about, and the module whose words may follow. Looks one token ahead.
// Limits  nesting and runs of operators, so that no tree gets deeper than the stack allows.
#pragma once

#include <algorithm>

#include "common/ruleset/read/grammar.h"
#include "common/ruleset/read/token.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

template <class Range>
bool among(const Range& range, std::string_view word) {
  return std::ranges::find(range, word) != std::end(range);
}

class Scanner {
 public:
  Scanner(std::vector<Token> tokens, const Registry& registry)
      : tokens_(std::move(tokens)), registry_(registry) {}
  Parser::symbol_type next();
  [[nodiscard]] std::string_view last_text() const { return last_; }
  /// `; did you mean "saddr"?`: where the word given last is none that may stand there, but nearly one.
  [[nodiscard]] std::string meant(bool is_word) const;

 private:
  using Symbol = Parser::symbol_type;
  enum class Block : uint8_t { top, table, chain, set, object, flowtable, values };
  enum class Line : uint8_t { start, command, names, rule, words, body, after };
  enum class Before : uint8_t { start, key, operation, value };

  Symbol punctuation(const Token& token);
  Symbol literal(const Token& token);
  Symbol open(const Token& token);
  Symbol close(const Token& token);
  Symbol separator(const Token& token);
  Symbol line_start(const Token& token);
  Symbol thing(const Token& token);
  std::optional<Symbol> object(const Token& token);
  Symbol unexpected(const Token& token);
  Symbol names(const Token& token);
  Symbol property(const Token& token);
  std::optional<Symbol> block_word(const Token& token);
  Symbol rule_word(const Token& token);
  std::optional<Symbol> selecting(const Token& token);
  std::optional<Symbol> expression(const Token& token);
  std::optional<Symbol> operation(const Token& token);
  std::optional<Symbol> parameter(const Token& token);
  [[nodiscard]] bool lacks_comma(const Parameter& flag) const;
  Symbol statement(const Token& token);
  Symbol field(const Token& token);
  std::optional<Symbol> numbered(const Token& token);
  std::optional<Symbol> unit(const Token& token);
  [[nodiscard]] bool target_follows(const Token& token) const;
  Symbol word(const Token& token);
  static Symbol name(const Token& token);
  [[nodiscard]] const Token& ahead(size_t count = 0) const {
    return tokens_[std::min(at_ + count, tokens_.size() - 1)];
  }
  [[nodiscard]] bool key_follows(const Module& module, size_t count) const;
  /// The right side of `set` is compared with nothing: what follows it is the next statement.
  [[nodiscard]] Before behind_key() const { return setting_ ? Before::value : Before::key; }
  const Key* take_key(const Module& module, const Token& token, Location& at);

  std::vector<Token> tokens_;
  const Registry& registry_;
  size_t at_ = 0;
  std::vector<Block> blocks_{Block::top};
  Line line_ = Line::start;
  Before before_ = Before::start;
  Block opens_ = Block::values;  // what the next brace begins
  int names_left_ = 0;
  bool family_allowed_ = false, names_then_rule_ = false, body_only_ = false, renaming_ = false, table_allowed_ = false;  // a line of names
  Operation operation_ = Operation::add;  // of this line
  bool word_next_ = false;            // a text, whatever it looks like
  bool name_next_ = false;            // of a chain, a set: no keyword
  bool rate_ = false, in_target_ = false, in_value_ = false, metered_ = false, ended_ = false, fresh_ = false, setting_ = false;
  const Module* selected_ = nullptr;  // a select whose modifiers, key or parameters may follow
  bool key_seen_ = false;
  const Module* asked_ = nullptr;     // whose key the last word was to be
  const Module* left_ = nullptr;      // the statement whose parameter it was not
  size_t stray_ = 0;                  // the word that began a statement, and is none
  const Module* field_of_ = nullptr;  // a header whose field comes next
  const Module* hash_ = nullptr;
  const Module* statement_ = nullptr;  // a statement or object whose parameters may follow
  const Module* object_ = nullptr;     // whose block this is
  const Parameter* words_of_ = nullptr;
  std::vector<std::tuple<const Module*, bool, const Module*>> saved_;  // around braces
  size_t parentheses_ = 0, operators_ = 0;
  std::string_view last_, unit_rest_;
};

}  // namespace bulkhead::ruleset