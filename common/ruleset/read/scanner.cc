// common/ruleset/read/scanner.cc: blocks, signs, literals. Lines that are no rules: scanner_lines.cc; rules: scanner_rule.cc.
#include "common/ruleset/read/scanner.h"

#include "common/ruleset/read/keywords.h"

namespace bulkhead::ruleset {
Parser::symbol_type Scanner::next() {
  for (;;) {
    const Token& token = tokens_[at_];
    if (!unit_rest_.empty()) {  // `mbytes/second` is one word, and three tokens
      Location const at = tokens_[at_ - 1].at;
      if (unit_rest_[0] == '/') {
        unit_rest_.remove_prefix(1);
        return Parser::make_MASK(at);
      }
      before_ = Before::value;
      return Parser::make_WORD(std::string(std::exchange(unit_rest_, {})), at);
    }
    last_ = token.text;
    asked_ = nullptr;
    if (std::exchange(fresh_, false) && statement_ != nullptr)
      if (const Parameter* const to = find_parameter(*statement_, "to"); to != nullptr && target_follows(token)) {
        before_ = Before::operation;
        in_target_ = in_value_ = true;
        return Parser::make_P_TARGET({statement_, nullptr, to, "to"}, token.at);
      }
    if (token.raw == Raw::end) {
      if (ended_ || (line_ == Line::start && blocks_.size() == 1)) return Parser::make_END(token.at);
      ended_ = true;
      return Parser::make_SEPARATOR(token.at);
    }
    ++at_;
    bool const inside = blocks_.back() == Block::values || parentheses_ != 0;
    if (token.raw == Raw::newline && inside) continue;
    if (token.raw == Raw::newline || token.is(';')) return separator(token);
    if (token.is(',') && !words_of_ && statement_ != nullptr && before_ == Before::value) {
      const Parameter* const flag = find_parameter(*statement_, ahead().text);
      if (flag != nullptr && flag->takes == Takes::flag) continue;
    }
    if (token.is('.') && statement_ != nullptr && selected_ == nullptr && ahead().is("port") &&
        find_parameter(*statement_, "port") != nullptr)
      continue;
    if (field_of_ != nullptr && field_of_->numbered != nullptr)
      if (auto found = numbered(token)) return *found;
    if (token.raw == Raw::word) return word(token);
    if (token.raw == Raw::punctuation) return punctuation(token);
    return literal(token);
  }
}

Parser::symbol_type Scanner::separator(const Token& token) {
  line_ = Line::start;
  before_ = Before::start;
  opens_ = Block::values;
  statement_ = selected_ = hash_ = left_ = nullptr;
  words_of_ = nullptr;
  word_next_ = name_next_ = in_target_ = in_value_ = rate_ = body_only_ = setting_ = false;
  parentheses_ = operators_ = 0;
  names_left_ = 0;
  return Parser::make_SEPARATOR(token.at);
}

Parser::symbol_type Scanner::open(const Token& token) {
  if (blocks_.size() > kMostNesting) return Parser::make_BAD("nesting too deep", token.at);
  saved_.push_back({statement_, in_target_, hash_});
  if (opens_ != Block::values && line_ != Line::rule) {
    blocks_.push_back(opens_);
    line_ = Line::start;
    if (opens_ == Block::object) object_ = statement_;
    statement_ = nullptr;
  } else {
    blocks_.push_back(Block::values);
    statement_ = nullptr;
  }
  opens_ = Block::values;
  in_target_ = in_value_ = false;
  selected_ = nullptr;
  words_of_ = nullptr;
  before_ = blocks_.back() == Block::values ? Before::operation : Before::start;
  return Parser::make_OPEN(token.defined, token.at);
}

Parser::symbol_type Scanner::close(const Token& token) {
  if (blocks_.size() == 1) return Parser::make_CLOSE(token.at);
  Block const closed = blocks_.back();
  if (closed == Block::values && !token.defined && at_ >= 2 && tokens_[at_ - 2].is('{'))  // a variable may be empty
    return Parser::make_BAD("syntax error, unexpected '}'", token.at);
  blocks_.pop_back();
  std::tie(statement_, in_target_, hash_) = saved_.back();
  saved_.pop_back();
  selected_ = nullptr;
  words_of_ = nullptr;
  before_ = Before::value;
  if (closed != Block::values) {
    line_ = Line::after;
    statement_ = nullptr;
  } else if (blocks_.back() == Block::set && line_ == Line::words) {
    line_ = Line::start;  // `elements = { ... }` needs no separator
    before_ = Before::start;
  }
  return Parser::make_CLOSE(token.at);
}

Parser::symbol_type Scanner::punctuation(const Token& token) {
  using P = Parser;
  auto const operation = [&](P::symbol_type symbol) {
    before_ = Before::operation;
    return symbol;
  };
  auto const counted = [&](P::symbol_type symbol) {
    if (++operators_ > kMostOperators) return P::make_BAD("too many operators", token.at);
    before_ = Before::operation;
    return symbol;
  };
  switch (token.mark) {
    case '{': return open(token);
    case '}': return close(token);
    case ',':
      operators_ = 0;
      return operation(P::make_COMMA(token.at));
    case ':': return operation(in_target_ ? P::make_PORT_COLON(token.at) : P::make_COLON(token.at));
    case '.':
      if (selected_ != nullptr && !key_seen_) return P::make_DOT(token.at);
      return counted(P::make_DOT(token.at));
    case '=': return operation(P::make_EQUALS(token.at));
    case '(':
      if (++parentheses_ > kMostNesting) return P::make_BAD("nesting too deep", token.at);
      return operation(P::make_LEFT_PARENTHESIS(token.at));
    case ')':
      if (parentheses_ > 0) --parentheses_;
      before_ = Before::value;
      return P::make_RIGHT_PARENTHESIS(token.at);
    case '[': return operation(P::make_LEFT_BRACKET(token.at));
    case ']': before_ = Before::value; return P::make_RIGHT_BRACKET(token.at);
    case '<': case '>': return operation(P::make_COMPARISON(std::string(1, token.mark), token.at));
    case '&': return counted(P::make_AND(token.at));
    case '|': return counted(P::make_OR(token.at));
    case '^': return counted(P::make_XOR(token.at));
    case '!': return operation(P::make_NOT(token.at));
    case '/': return operation(ahead().raw == Raw::number && line_ != Line::body && !rate_ ? P::make_SLASH(token.at)
                                                                                           : P::make_MASK(token.at));
    case '*': before_ = Before::value; return P::make_ASTERISK(token.at);
    case '+': return operation(P::make_PLUS(token.at));
    case '-': return operation(P::make_DASH(token.at));
    case '@': name_next_ = true; return P::make_AT(token.at);
    default: return P::make_BAD(fmt::format("syntax error, unexpected junk"), token.at);
  }
}

Parser::symbol_type Scanner::literal(const Token& token) {
  using P = Parser;
  auto const operation = [&](P::symbol_type symbol) {
    before_ = Before::operation;
    return symbol;
  };
  if ((line_ == Line::start && blocks_.back() == Block::chain) || (line_ == Line::names && names_left_ <= 0 && names_then_rule_)) {
    line_ = Line::rule;
    before_ = Before::start;
  }
  switch (token.raw) {
    case Raw::equal: case Raw::differs: case Raw::at_most: case Raw::at_least:
      return operation(P::make_COMPARISON(std::string(token.text), token.at));
    case Raw::left: return operation(P::make_SHIFT_LEFT(token.at));
    case Raw::right: return operation(P::make_SHIFT_RIGHT(token.at));
    case Raw::raw_payload: before_ = Before::key; return P::make_RAW(std::string(token.text), token.at);
    default: break;
  }
  if (names_left_ > 0) --names_left_;
  if (line_ == Line::start && blocks_.back() == Block::object) {
    line_ = Line::body;
    statement_ = object_;
  }
  bool const waits = before_ == Before::operation || before_ == Before::key || word_next_;
  word_next_ = name_next_ = false;
  before_ = Before::value;
  if (!waits && statement_ != nullptr && statement_->positional)
    return P::make_ARGUMENT(std::string(token.text), token.at);
  if (token.raw == Raw::number) return P::make_NUMBER(std::string(token.text), token.at);
  return P::make_QUOTED(std::string(token.text), token.at);
}

/// Of a table, a chain, a set...
Parser::symbol_type Scanner::name(const Token& token) {
  if (is_keyword(token.text) || token.text.ends_with('*')) return Parser::make_KEYWORD(std::string(token.text), token.at);
  return Parser::make_WORD(std::string(token.text), token.at);
}

Parser::symbol_type Scanner::word(const Token& token) {
  if (std::exchange(name_next_, false)) {
    before_ = Before::value;
    return name(token);
  }
  if (word_next_) {
    word_next_ = false;
    before_ = Before::value;
    if (names_left_ > 0) --names_left_;
    return Parser::make_WORD(std::string(token.text), token.at);
  }
  if (blocks_.back() == Block::values) return rule_word(token);
  switch (line_) {
    case Line::start: return line_start(token);
    case Line::command: return thing(token);
    case Line::names: return names(token);
    case Line::words: return property(token);
    case Line::body:
      if (auto found = parameter(token)) return *found;
      if (token.text == "comment") {
        word_next_ = true;
        return Parser::make_COMMENT(token.at);
      }
      if (auto found = unit(token)) return *found;
      before_ = Before::value;
      if (statement_ != nullptr && statement_->positional) return Parser::make_ARGUMENT(std::string(token.text), token.at);
      return Parser::make_WORD(std::string(token.text), token.at);
    case Line::rule: return rule_word(token);
    default: return Parser::make_WORD(std::string(token.text), token.at);
  }
}

}  // namespace bulkhead::ruleset
