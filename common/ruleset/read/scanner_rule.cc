// common/ruleset/read/scanner_rule.cc: what a word is within a rule.
#include <algorithm>
#include <array>

#include "common/ruleset/read/scanner.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::array<std::string_view, 6> kUnits{"bytes", "kbytes", "mbytes", "packets", "packet", "byte"};

struct OperationWord {
  std::string_view word;
  Parser::symbol_type (*make)(Location at);
};
constexpr OperationWord kRuleOperators[] = {
    {"map", [](Location at) { return Parser::make_MAPPED(at); }}, {"vmap", [](Location at) { return Parser::make_VMAP(at); }},
    {"and", [](Location at) { return Parser::make_AND(at); }},    {"or", [](Location at) { return Parser::make_OR(at); }},
    {"xor", [](Location at) { return Parser::make_XOR(at); }},    {"lshift", [](Location at) { return Parser::make_SHIFT_LEFT(at); }},
    {"rshift", [](Location at) { return Parser::make_SHIFT_RIGHT(at); }}};

struct Comparison {
  std::string_view word, sign;
};
constexpr Comparison kComparisons[] = {{"eq", "=="}, {"ne", "!="}, {"lt", "<"}, {"gt", ">"}, {"le", "<="}, {"ge", ">="}};

}  // namespace

bool Scanner::key_follows(const Module& module, size_t count) const {
  const Token& first = ahead(count);
  if (first.raw != Raw::word) return false;
  if (find_key(module, first.text) != nullptr || among(module.modifiers, first.text)) return true;
  const Token& second = ahead(count + 1);
  if (second.is('[') && find_key(module, fmt::format("{}[{}]", first.text, ahead(count + 2).text)) != nullptr) return true;
  return second.raw == Raw::word && find_key(module, fmt::format("{} {}", first.text, second.text)) != nullptr;
}

/// Of one word, or of two, like `saddr ether`, or of one and its place, like `addr[1]`; the longer wins.
const Key* Scanner::take_key(const Module& module, const Token& token, Location& at) {
  at = token.at;
  const Token& second = ahead();
  if (second.raw == Raw::word)
    if (const Key* const key = find_key(module, fmt::format("{} {}", token.text, second.text))) {
      at = join(token.at, second.at);
      ++at_;
      return key;
    }
  if (second.is('[') && ahead(1).raw == Raw::number && ahead(2).is(']'))
    if (const Key* const key = find_key(module, fmt::format("{}[{}]", token.text, ahead(1).text))) {
      at = join(token.at, ahead(2).at);
      at_ += 3;
      return key;
    }
  return find_key(module, token.text);
}

Parser::symbol_type Scanner::rule_word(const Token& token) {
  using P = Parser;
  std::string const text(token.text);
  if (field_of_ != nullptr) return field(token);
  if (words_of_ != nullptr) {
    if (among(words_of_->words, token.text)) {
      if (ahead().is(',') && among(words_of_->words, ahead(1).text)) ++at_;
      before_ = Before::value;
      return P::make_LIST_WORD(text, token.at);
    }
    words_of_ = nullptr;
  }
  if (selected_ != nullptr)
    if (auto found = selecting(token)) return *found;
  if (hash_ != nullptr && before_ != Before::operation && ahead().raw == Raw::number)
    if (const Parameter* const one = find_parameter(*hash_, text)) {
      before_ = Before::operation;
      return P::make_H_NUMBER({hash_, nullptr, one, text}, token.at);
    }
  if (before_ == Before::key || before_ == Before::value)
    if (auto found = operation(token)) return *found;
  if (blocks_.back() == Block::values && before_ == Before::key) before_ = Before::value;
  if (statement_ != nullptr && rate_ && before_ == Before::operation)
    if (auto found = parameter(token)) return *found;
  if (statement_ != nullptr && before_ != Before::operation && before_ != Before::key) {
    if (auto found = unit(token)) return *found;
    if (auto found = parameter(token)) return *found;
  }
  if (statement_ != nullptr && in_value_ && before_ == Before::key) {  // of a parameter: it is no match
    if (auto found = parameter(token)) return *found;
    if (registry_.statement(token.text) != nullptr) return statement(token);
  }
  if (before_ == Before::operation || before_ == Before::key) {
    const Module* const verdict = registry_.statement(token.text);
    if (before_ == Before::operation && verdict != nullptr && verdict->form == Form::verdict) {
      before_ = Before::value;
      return P::make_VERDICT(text, token.at);
    }
    if (before_ == Before::operation && verdict != nullptr && verdict->form == Form::target) {
      name_next_ = true;
      return P::make_TARGET(text, token.at);
    }
    if (blocks_.back() == Block::set && tokens_[at_ - 2].is(':')) {
      if (text == "interval") return P::make_INTERVAL(token.at);
      if (const Module* const object = registry_.object(text)) return P::make_OBJECT({object, nullptr, nullptr, text}, token.at);
    }
    if (auto found = expression(token)) return *found;
    before_ = Before::value;
    return P::make_WORD(text, token.at);
  }
  return statement(token);
}

/// `dnat 192.0.2.1:80`, `dnat :80`, `dnat tcp dport map ...`: the old way, without `to`.
bool Scanner::target_follows(const Token& token) const {
  if (!statement_->target_without_to) return false;
  if (token.is('[') || token.is(':')) return true;
  if (token.raw != Raw::word) return false;
  for (Form const form : {Form::header, Form::select})
    if (const Module* const module = registry_.find(token.text, form); module != nullptr && key_follows(*module, 1)) return true;
  if (find_parameter(*statement_, token.text) != nullptr) return false;
  if (registry_.find(token.text, Form::hash) != nullptr) return true;
  return token.text.find_first_of(".:") != std::string_view::npos && registry_.statement(token.text) == nullptr;  // an address
}

/// A unit behind a number: `5 mbytes`, `5 mbytes/second`.
std::optional<Parser::symbol_type> Scanner::unit(const Token& token) {
  if (at_ < 2 || tokens_[at_ - 2].raw != Raw::number) return std::nullopt;
  auto const slash = std::min(token.text.find('/'), token.text.size());
  std::string_view const name = token.text.substr(0, slash);
  if (!among(kUnits, name) || (statement_ != nullptr && find_parameter(*statement_, name) != nullptr)) return std::nullopt;
  unit_rest_ = token.text.substr(slash);
  before_ = Before::value;
  return Parser::make_UNIT(std::string(name), token.at);
}

Parser::symbol_type Scanner::field(const Token& token) {
  const Module* const module = field_of_;
  field_of_ = nullptr;
  before_ = behind_key();
  Location at;
  const Key* const key = take_key(*module, token, at);
  if (key == nullptr) return asked_ = module, Parser::make_WORD(std::string(token.text), token.at);
  return Parser::make_FIELD({module, key, nullptr, std::string(key->name)}, at);
}

/// An option by its number, `255`, or bits of it, `@255,8,8`; nothing if something else stands there.
std::optional<Parser::symbol_type> Scanner::numbered(const Token& token) {
  constexpr size_t kParts = 5;
  std::string said(token.text);
  Location at = token.at;
  if (token.is('@')) {
    const Key* const named = ahead().raw == Raw::word ? find_key(*field_of_, ahead().text) : nullptr;
    said = named != nullptr ? fmt::format("{}", named->number) : std::string(ahead().text);
    if (named == nullptr && ahead().raw != Raw::number) return std::nullopt;
    for (size_t i = 1; i < kParts; ++i) {
      if (i % 2 == 0 ? ahead(i).raw != Raw::number : !ahead(i).is(',')) return std::nullopt;
      said += ahead(i).text;
    }
    at = join(at, ahead(kParts - 1).at);
    at_ += kParts;
  } else if (token.raw != Raw::number) {
    return std::nullopt;
  }
  field_of_ = nullptr;
  before_ = behind_key();
  return Parser::make_NUMBERED(said, at);
}

/// Scanner of a select: modifiers, the key, and what may follow it.
std::optional<Parser::symbol_type> Scanner::selecting(const Token& token) {
  using P = Parser;
  std::string const text(token.text);
  const Module& module = *selected_;
  if (key_seen_) {
    const Parameter* const one = find_parameter(module, text);
    if (one != nullptr && !one->before_key && ahead().raw == Raw::number && before_ != Before::operation) {
      before_ = Before::operation;
      return P::make_S_NUMBER({&module, nullptr, one, text}, token.at);
    }
    selected_ = nullptr;
    return std::nullopt;
  }
  const Parameter* const early = find_parameter(module, text);
  if (early != nullptr && early->before_key && ahead().raw == Raw::number) return P::make_S_NUMBER({&module, nullptr, early, text}, token.at);
  Location at;
  const Key* const key = take_key(module, token, at);
  bool const dotted = ahead().is('.') || tokens_[at_ - 2].is('.');
  if (among(module.modifiers, token.text) && (key == nullptr || dotted)) return P::make_MODIFIER({&module, nullptr, nullptr, text}, token.at);
  key_seen_ = true;
  before_ = behind_key();
  if (key == nullptr) return asked_ = &module, P::make_WORD(text, token.at);
  return P::make_KEY({&module, key, nullptr, text}, at);
}

/// What begins an expression: a header and its field, a select, a hash.
std::optional<Parser::symbol_type> Scanner::expression(const Token& token) {
  using P = Parser;
  std::string const text(token.text);
  bool const must = before_ == Before::start || before_ == Before::value;  // nothing else can stand here
  if (ahead().raw == Raw::word)
    if (const Module* const option = registry_.find(fmt::format("{} {}", text, ahead().text), Form::option)) {
      ++at_;
      field_of_ = option;
      return P::make_PROTOCOL({option, nullptr, nullptr, text}, join(token.at, tokens_[at_ - 1].at));
    }
  const Module* const header = registry_.find(text, Form::header);
  const Module* const select = registry_.find(text, Form::select);
  bool const header_fits = header != nullptr && key_follows(*header, 0);
  if (header != nullptr && (header_fits || (must && select == nullptr))) {
    field_of_ = header;
    return P::make_PROTOCOL({header, nullptr, nullptr, text}, token.at);
  }
  if (select != nullptr && select->keys.size() == 1 && select->keys[0].name.empty()) {
    hash_ = select;
    before_ = behind_key();
    return P::make_HASH_ALONE({select, select->keys.data(), nullptr, text}, token.at);
  }
  if (select != nullptr && (must || key_follows(*select, 0))) {
    selected_ = select;
    key_seen_ = false;
    return P::make_SELECT({select, nullptr, nullptr, text}, token.at);
  }
  if (const Module* const hash = registry_.find(text, Form::hash)) {
    hash_ = hash;
    before_ = Before::operation;
    return P::make_HASH({hash, hash->keys.data(), nullptr, text}, token.at);
  }
  auto const [bare_of, bare] = before_ == Before::key ? KeyOf{} : registry_.bare_key(text);
  if (bare != nullptr) {
    before_ = behind_key();
    return P::make_BARE_KEY({bare_of, bare, nullptr, text}, token.at);
  }
  return std::nullopt;
}

std::optional<Parser::symbol_type> Scanner::operation(const Token& token) {
  using P = Parser;
  auto const with = [&](P::symbol_type symbol) {
    before_ = Before::operation;
    return symbol;
  };
  for (const OperationWord& one : kRuleOperators)
    if (one.word == token.text) return with(one.make(token.at));
  if (token.text == "set" && before_ == Before::key) {
    setting_ = true;
    return with(P::make_SETTING(token.at));
  }
  for (const Comparison& one : kComparisons)
    if (one.word == token.text) return with(P::make_COMPARISON(std::string(one.sign), token.at));
  return std::nullopt;
}

/// Flags that stand together have commas between them.
bool Scanner::lacks_comma(const Parameter& flag) const {
  if (flag.rank != kTogether || at_ < 2 || tokens_[at_ - 2].raw != Raw::word) return false;
  const Parameter* const before = find_parameter(*statement_, tokens_[at_ - 2].text);
  return before != nullptr && before->rank == kTogether;
}

/// A parameter of the statement, or of the object whose body this is.
std::optional<Parser::symbol_type> Scanner::parameter(const Token& token) {
  using P = Parser;
  const Parameter* const one = statement_ == nullptr ? nullptr : find_parameter(*statement_, token.text);
  if (one == nullptr) return std::nullopt;
  if (lacks_comma(*one)) return P::make_KEYWORD(std::string(token.text), token.at);
  Named named{statement_, nullptr, one, std::string(token.text)};
  bool const sign = rate_ && before_ == Before::operation && one->takes == Takes::flag;  // rate over 5/second
  in_target_ = one->takes == Takes::target;
  in_value_ = in_target_ || one->takes == Takes::value;
  rate_ = sign || one->takes == Takes::rate;
  before_ = Before::operation;
  switch (one->takes) {
    case Takes::flag:
      if (!sign) before_ = Before::value;
      return P::make_P_FLAG(named, token.at);
    case Takes::word: word_next_ = true; return P::make_P_WORD(named, token.at);
    case Takes::words: words_of_ = one; return P::make_P_WORDS(named, token.at);
    case Takes::text: word_next_ = true; return P::make_P_TEXT(named, token.at);
    case Takes::number: return P::make_P_NUMBER(named, token.at);
    case Takes::size: return P::make_P_SIZE(named, token.at);
    case Takes::rate:
      return P::make_P_RATE(named, token.at);
    case Takes::value: return P::make_P_VALUE(named, token.at);
    case Takes::target: return P::make_P_TARGET(named, token.at);
    case Takes::block: return P::make_P_BLOCK(named, token.at);
    default: word_next_ = true; return P::make_P_TIME(named, token.at);
  }
}

/// What begins a statement.
Parser::symbol_type Scanner::statement(const Token& token) {
  using P = Parser;
  std::string const text(token.text);
  bool const in_values = blocks_.back() == Block::values;
  if (in_values || metered_) {
    if (text == "timeout") return word_next_ = ahead().raw == Raw::word, P::make_TIMEOUT(token.at);
    if (text == "expires") return word_next_ = ahead().raw == Raw::word, P::make_EXPIRES(token.at);
    if (text == "size") return before_ = Before::operation, P::make_SIZE(token.at);
  }
  if (text == "comment") {
    word_next_ = true;
    return P::make_COMMENT(token.at);
  }
  bool const positional = statement_ != nullptr && statement_->positional;
  const Module* const left = statement_;
  if (left != nullptr) left_ = left;
  statement_ = nullptr;
  in_target_ = in_value_ = rate_ = metered_ = setting_ = false;
  if (!in_values) hash_ = nullptr;
  before_ = before_ == Before::start ? Before::start : Before::value;
  if ((text == "add" || text == "update" || text == "delete") && ahead().is('@')) return P::make_UPDATE(text, token.at);
  if (text == "meter" && !in_values) {
    name_next_ = metered_ = true;
    return P::make_METER(token.at);
  }
  std::string const both = fmt::format("{} {}", text, ahead().text);
  const Module* const two = ahead().raw == Raw::word ? registry_.find(both, Form::statement) : nullptr;
  const Module* const module = two != nullptr ? two : registry_.statement(text);
  if (module == nullptr) {
    if (auto found = expression(token)) return *found;
    before_ = Before::value;
    if (stray_ == 0 || tokens_[stray_].at.line != token.at.line || tokens_[stray_].at.source != token.at.source) stray_ = at_ - 1;
    if (!positional) return P::make_WORD(text, token.at);
    statement_ = left;
    return P::make_ARGUMENT(text, token.at);
  }
  if (module->form == Form::verdict) return before_ = Before::value, P::make_VERDICT(text, token.at);
  if (module->form == Form::target) return name_next_ = true, P::make_TARGET(text, token.at);
  Location const at = two != nullptr ? join(token.at, ahead().at) : token.at;
  if (two != nullptr) ++at_;
  statement_ = module;
  fresh_ = true;
  before_ = Before::value;
  return P::make_STATEMENT({module, nullptr, nullptr, std::string(module->name)}, at);
}

}  // namespace bulkhead::ruleset
