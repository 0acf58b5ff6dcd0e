// common/ruleset/read/scanner_lines.cc: what a word is in the lines that are no rules: commands, names, properties of sets and chains.
#include <algorithm>
#include <array>

#include "common/ruleset/read/scanner.h"

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
  {"maps", Thing::maps}, {"meters", Thing::meters}, {"flowtables", Thing::flowtables}, {"hooks", Thing::hooks}};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) { return std::ranges::find(list, word) != list.end(); }

/// Whether a command that changes no rule is about things of this name; objects may be listed, some of them reset.
bool fits(Operation operation, std::string_view thing) {
  bool const in_lists_alone = is_one_of(thing, {"tables", "chains", "sets", "maps", "meters", "flowtable", "flowtables", "hooks"});
  if (operation == Operation::list) return !is_one_of(thing, {"rule", "element"});
  if (operation == Operation::flush) return !in_lists_alone && !is_one_of(thing, {"rule", "element"});
  return operation != Operation::reset || !(in_lists_alone || is_one_of(thing, {"ruleset", "table", "chain", "set", "map", "meter", "rule", "element"}));
}

bool fits(Operation operation, const Module& object) {
  return operation == Operation::reset ? object.may_be_reset : operation != Operation::flush;
}

}  // namespace

Parser::symbol_type Scanner::line_start(const Token& token) {
  switch (blocks_.back()) {
    case Block::top:
      for (const CommandWord& command : kCommands)
        if (command.name == token.text) {
          line_ = Line::command;
          operation_ = command.operation;
          return Parser::make_COMMAND(command.operation, token.at);
        }
      operation_ = Operation::add;
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

Parser::symbol_type Scanner::thing(const Token& token) {
  using P = Parser;
  bool const top = blocks_.back() == Block::top;
  line_ = Line::names;
  names_left_ = top ? 2 : 1;
  family_allowed_ = top;
  names_then_rule_ = body_only_ = table_allowed_ = false;
  if (auto objects = object(token)) return *objects;
  // `flow table` and `flow tables` are meters' names of old.
  bool const flow = top && token.text == "flow" && (ahead().is("table") || ahead().is("tables"));
  if (flow && ++at_ != 0 && tokens_[at_ - 1].is("tables")) return names_left_ = 0, table_allowed_ = true, P::make_PLURAL({Thing::meters}, token.at);
  if (top && !flow && !fits(operation_, token.text)) return unexpected(token);
  if (token.text == "table" && top) {
    names_left_ = 1;
    opens_ = Block::table;
    return P::make_TABLE(token.at);
  }
  if (token.text == "chain") {
    if (top && operation_ == Operation::rename) names_left_ = 3;
    opens_ = Block::chain;
    return P::make_CHAIN(token.at);
  }
  if (token.text == "rule" && top) {
    names_then_rule_ = true;
    return P::make_RULE(token.at);
  }
  if (token.text == "element" && top) return P::make_ELEMENT(token.at);
  if (token.text == "set" || token.text == "map" || token.text == "meter" || flow) {
    opens_ = Block::set;
    return token.text == "map" ? P::make_MAP_WORD(token.at) : token.text == "set" ? P::make_SET_WORD(token.at)
                                                                                 : P::make_METER(token.at);
  }
  if (token.text == "flowtable") {
    opens_ = Block::flowtable;
    return P::make_FLOWTABLE(token.at);
  }
  for (const PluralWord& plural : kPlurals)
    if (top && plural.name == token.text) return names_left_ = 0, table_allowed_ = true, P::make_PLURAL({plural.thing}, token.at);
  if (top && token.text == "sets") return names_left_ = 0, table_allowed_ = true, P::make_PLURAL_IN_TABLE({Thing::sets}, token.at);
  line_ = Line::after;
  return P::make_WORD(std::string(token.text), token.at);
}

/// `counter`, `counters`, `ct helper`, `ct helpers`; nothing if it is none.
std::optional<Parser::symbol_type> Scanner::object(const Token& token) {
  using P = Parser;
  bool const top = blocks_.back() == Block::top;
  for (size_t const words : {size_t{2}, size_t{1}}) {
    if (words == 2 && ahead().raw != Raw::word) continue;
    std::string name(token.text);
    Location const at = words == 2 ? join(token.at, ahead().at) : token.at;
    if (words == 2) name += fmt::format(" {}", ahead().text);
    const Module* const single = registry_.object(name);
    const Module* const several = top && name.ends_with('s') ? registry_.object(std::string_view(name).substr(0, name.size() - 1)) : nullptr;
    const Module* const found = single != nullptr ? single : several;
    if (found == nullptr) continue;
    if (top && !fits(operation_, *found)) return unexpected(token);
    at_ += words - 1;
    // `list ct timeout table t`: these have no other word for several.
    if (single == nullptr || (top && operation_ == Operation::list && words == 2 && ahead(1).is("table"))) {
      names_left_ = 0;
      table_allowed_ = true;
      return P::make_PLURAL_IN_TABLE({Thing::objects, found}, at);
    }
    opens_ = Block::object;
    body_only_ = true;
    statement_ = found;
    return P::make_OBJECT({found, nullptr, nullptr, name}, at);
  }
  return std::nullopt;
}

Parser::symbol_type Scanner::unexpected(const Token& token) {
  line_ = Line::after;
  return Parser::make_BAD(fmt::format("syntax error, unexpected {}", token.text), token.at);
}

Parser::symbol_type Scanner::names(const Token& token) {
  using P = Parser;
  bool const number_follows = ahead().raw == Raw::number;
  if (family_allowed_ && among(kFamilies, token.text)) {
    family_allowed_ = false;
    return P::make_FAMILY(std::string(token.text), token.at);
  }
  family_allowed_ = false;
  if (table_allowed_ && token.text == "table") {
    names_left_ = 1;
    family_allowed_ = true;
    table_allowed_ = false;
    return P::make_TABLE(token.at);
  }
  table_allowed_ = false;
  if (token.text == "handle" && number_follows && names_left_ <= 1) {
    names_left_ = 1;
    return P::make_HANDLE(token.at);
  }
  if (names_left_ > 0) {
    --names_left_;
    return name(token);
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
std::optional<Parser::symbol_type> Scanner::block_word(const Token& token) {
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

/// Scanner of the lines that are no rules: hooks, types, flags.
Parser::symbol_type Scanner::property(const Token& token) {
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
  const Module* const statement = begins ? registry_.statement(token.text) : nullptr;
  if (statement != nullptr && statement->of_flowtables)
    return P::make_STATEMENT({statement, nullptr, nullptr, std::string(token.text)}, token.at);
  return P::make_WORD(std::string(token.text), token.at);
}

}  // namespace bulkhead::ruleset
