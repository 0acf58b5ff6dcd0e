#include "common/ruleset/read/words.h"

#include <algorithm>
#include <array>

namespace bulkhead::ruleset {
namespace {

constexpr std::array<std::string_view, 6> kFamilies{"ip", "ip6", "inet", "arp", "bridge", "netdev"};

struct CommandWord {
  std::string_view name;
  Operation operation;
};
constexpr CommandWord kCommands[] = {{"add", Operation::add}, {"create", Operation::create},
  {"insert", Operation::insert}, {"replace", Operation::replace}, {"delete", Operation::remove},
  {"destroy", Operation::destroy}, {"flush", Operation::flush}, {"list", Operation::list},
  {"reset", Operation::reset}, {"rename", Operation::rename}};

struct PluralWord {
  std::string_view name;
  Thing thing;
};
constexpr PluralWord kPlurals[] = {{"ruleset", Thing::ruleset}, {"tables", Thing::tables}, {"chains", Thing::chains},
  {"sets", Thing::sets}, {"maps", Thing::maps}, {"meters", Thing::meters}, {"flowtables", Thing::flowtables},
  {"counters", Thing::objects}, {"quotas", Thing::objects}, {"limits", Thing::objects}};

bool joined(const Token& left, const Token& right) {
  return left.at.source == right.at.source && left.at.line == right.at.line && left.at.last + 1 == right.at.first;
}

}  // namespace

Parser::symbol_type Words::next() {
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
    if (std::exchange(fresh_, false) && statement_ != nullptr && token.raw == Raw::word)
      if (const Parameter* const to = find_parameter(*statement_, "to"); to != nullptr && target_follows(token)) {
        before_ = Before::operation;
        in_target_ = true;
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
      if (flag != nullptr && flag->shape == Shape::flag) continue;
    }
    if (token.is('.') && statement_ != nullptr && selected_ == nullptr && ahead().is("port") &&
        find_parameter(*statement_, "port") != nullptr)
      continue;
    if (token.raw == Raw::word) return word(token);
    if (token.raw == Raw::punctuation) return punctuation(token);
    return literal(token);
  }
}

Parser::symbol_type Words::separator(const Token& token) {
  line_ = Line::start;
  before_ = Before::start;
  opens_ = Block::values;
  statement_ = selected_ = hash_ = nullptr;
  words_of_ = nullptr;
  word_next_ = in_target_ = body_only_ = setting_ = false;
  parentheses_ = operators_ = 0;
  names_left_ = 0;
  return Parser::make_SEPARATOR(token.at);
}

Parser::symbol_type Words::open(const Token& token) {
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
  in_target_ = false;
  selected_ = nullptr;
  words_of_ = nullptr;
  before_ = blocks_.back() == Block::values ? Before::operation : Before::start;
  return Parser::make_OPEN(token.at);
}

Parser::symbol_type Words::close(const Token& token) {
  if (blocks_.size() == 1) return Parser::make_CLOSE(token.at);
  Block const closed = blocks_.back();
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

Parser::symbol_type Words::punctuation(const Token& token) {
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
    case '@': word_next_ = true; return P::make_AT(token.at);
    default: return P::make_BAD(fmt::format("syntax error, unexpected junk"), token.at);
  }
}

Parser::symbol_type Words::literal(const Token& token) {
  using P = Parser;
  auto const operation = [&](P::symbol_type symbol) {
    before_ = Before::operation;
    return symbol;
  };
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
  if (token.raw == Raw::number && waits && last_key_ != nullptr && last_key_->type == &class_id && ahead().is(':') &&
      joined(token, ahead()) && joined(ahead(), ahead(1)))
    return class_number(token);
  word_next_ = false;
  before_ = Before::value;
  if (!waits && statement_ != nullptr && statement_->positional)
    return P::make_ARGUMENT(std::string(token.text), token.at);
  if (token.raw == Raw::number) return P::make_NUMBER(std::string(token.text), token.at);
  return P::make_QUOTED(std::string(token.text), token.at);
}

/// `1:2` of tc is one word.
Parser::symbol_type Words::class_number(const Token& token) {
  const Token& low = ahead(1);
  Location const at = join(token.at, low.at);
  at_ += 2;
  before_ = Before::value;
  return Parser::make_WORD(fmt::format("{}:{}", token.text, low.text), at);
}

Parser::symbol_type Words::word(const Token& token) {
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

Parser::symbol_type Words::line_start(const Token& token) {
  switch (blocks_.back()) {
    case Block::top:
      for (const CommandWord& command : kCommands)
        if (command.name == token.text) {
          line_ = Line::command;
          renaming_ = command.operation == Operation::rename;
          return Parser::make_COMMAND(command.operation, token.at);
        }
      return thing(token);
    case Block::table:
      if (token.text == "flags" || token.text == "comment") return property(token);
      return thing(token);
    case Block::chain:
      if (token.text == "type" || token.text == "policy" || token.text == "devices" || token.text == "comment" ||
          (token.text == "flags" && ahead().is("offload")))
        return property(token);
      line_ = Line::rule;
      return rule_word(token);
    case Block::set:
      if (auto found = block_word(token)) return *found;
      line_ = Line::rule;
      return rule_word(token);
    case Block::object:
      line_ = Line::body;
      statement_ = object_;
      return word(token);
    default: return property(token);
  }
}

Parser::symbol_type Words::thing(const Token& token) {
  using P = Parser;
  bool const top = blocks_.back() == Block::top;
  line_ = Line::names;
  names_left_ = top ? 2 : 1;
  family_allowed_ = top;
  names_then_rule_ = body_only_ = false;
  if (token.text == "table" && top) {
    names_left_ = 1;
    opens_ = Block::table;
    return P::make_TABLE(token.at);
  }
  if (token.text == "chain") {
    if (renaming_) names_left_ = 3;
    renaming_ = false;
    opens_ = Block::chain;
    return P::make_CHAIN(token.at);
  }
  if (token.text == "rule" && top) {
    names_then_rule_ = true;
    return P::make_RULE(token.at);
  }
  if (token.text == "element" && top) return P::make_ELEMENT(token.at);
  if (token.text == "set" || token.text == "map" || token.text == "meter") {
    opens_ = Block::set;
    return token.text == "map" ? P::make_MAP_WORD(token.at) : token.text == "set" ? P::make_SET_WORD(token.at)
                                                                                 : P::make_METER(token.at);
  }
  if (token.text == "flowtable") {
    opens_ = Block::flowtable;
    return P::make_FLOWTABLE(token.at);
  }
  for (const PluralWord& plural : kPlurals)
    if (top && plural.name == token.text) return P::make_PLURAL(plural.thing, token.at);
  std::string name(token.text);
  Location at = token.at;
  if (name == "ct" && ahead().raw == Raw::word) {
    name += fmt::format(" {}", ahead().text);
    at = join(at, ahead().at);
  }
  const Module* const object = registry_.object(name);
  if (object == nullptr) {
    line_ = Line::after;
    return P::make_WORD(std::string(token.text), token.at);
  }
  if (name.size() != token.text.size()) ++at_;
  opens_ = Block::object;
  body_only_ = true;
  statement_ = object;
  return P::make_OBJECT({object, nullptr, nullptr, name}, at);
}

Parser::symbol_type Words::names(const Token& token) {
  using P = Parser;
  bool const number_follows = ahead().raw == Raw::number;
  if (family_allowed_ && among(kFamilies, token.text)) {
    family_allowed_ = false;
    return P::make_FAMILY(std::string(token.text), token.at);
  }
  family_allowed_ = false;
  if (token.text == "handle" && number_follows && names_left_ <= 1) {
    names_left_ = 1;
    return P::make_HANDLE(token.at);
  }
  if (names_left_ > 0) {
    --names_left_;
    return P::make_WORD(std::string(token.text), token.at);
  }
  if (token.text == "position" && number_follows) return P::make_POSITION(token.at);
  if (token.text == "index" && number_follows) return P::make_INDEX(token.at);
  if (body_only_) {
    line_ = Line::body;
    before_ = Before::start;
    return word(token);
  }
  if (!names_then_rule_) return P::make_WORD(std::string(token.text), token.at);
  line_ = Line::rule;
  before_ = Before::start;
  return rule_word(token);
}

/// The first word of a line in a set's block.
std::optional<Parser::symbol_type> Words::block_word(const Token& token) {
  using P = Parser;
  line_ = Line::words;
  before_ = Before::value;
  if (token.text == "typeof") {
    line_ = Line::rule;
    before_ = Before::operation;
    return P::make_TYPEOF(token.at);
  }
  if (token.text == "auto-merge") {
    line_ = Line::start;
    return P::make_AUTO_MERGE(token.at);
  }
  if (token.text == "timeout") return P::make_TIMEOUT(token.at);
  if (token.text == "gc-interval") return P::make_GC_INTERVAL(token.at);
  if (token.text == "size") return P::make_SIZE(token.at);
  if (token.text == "elements") return P::make_ELEMENTS(token.at);
  if (token.text == "type" || token.text == "policy" || token.text == "flags" || token.text == "comment") return property(token);
  before_ = Before::start;
  return std::nullopt;
}

/// Words of the lines that are no rules: hooks, types, flags.
Parser::symbol_type Words::property(const Token& token) {
  using P = Parser;
  bool const starts = line_ == Line::start || (blocks_.back() == Block::set && before_ == Before::value);
  bool const begins = line_ == Line::start || at_ < 2 || tokens_[at_ - 2].raw == Raw::newline || tokens_[at_ - 2].is(';') ||
                      tokens_[at_ - 2].is('{') || (starts && tokens_[at_ - 2].is('}'));
  line_ = Line::words;
  before_ = Before::value;
  if (token.text == "type" && begins) return word_next_ = true, P::make_TYPE(token.at);
  if (token.text == "policy" && begins) return word_next_ = true, P::make_POLICY(token.at);
  if (token.text == "flags" && begins) return word_next_ = true, P::make_FLAGS(token.at);
  if (token.text == "comment") return word_next_ = true, P::make_COMMENT(token.at);
  if (blocks_.back() == Block::set) {
    if (token.text == "interval" && at_ >= 2 && tokens_[at_ - 2].is(':')) return P::make_INTERVAL(token.at);
    if (at_ >= 2 && tokens_[at_ - 2].is(':'))
      if (const Module* const object = registry_.object(token.text))
        return P::make_OBJECT({object, nullptr, nullptr, std::string(token.text)}, token.at);
    return P::make_WORD(std::string(token.text), token.at);
  }
  if (token.text == "hook") return word_next_ = true, P::make_HOOK(token.at);
  if (token.text == "device") return word_next_ = true, P::make_DEVICE(token.at);
  if (token.text == "devices") return P::make_PLUS_DEVICES(token.at);
  if (token.text == "priority") return P::make_PRIORITY(token.at);
  if (token.text == "counter" && begins)
    return P::make_STATEMENT({registry_.statement("counter"), nullptr, nullptr, "counter"}, token.at);
  return P::make_WORD(std::string(token.text), token.at);
}

}  // namespace bulkhead::ruleset