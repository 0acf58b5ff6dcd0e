// common/ruleset/read/builder.h: what the grammar's rules make: commands, statements, expressions.
//
// Who     the parser's actions only. Meaning is checked later (check/checker.h), with the ruleset at hand.
#pragma once

#include "common/ruleset/read/grammar.h"
#include "common/ruleset/tree/command.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/tree/source.h"

namespace bulkhead::ruleset {

class Builder {
 public:
  Builder(const Registry& registry, Diagnostics& diagnostics) : registry_(registry), diagnostics_(diagnostics) {}
  std::vector<Command> take() { return std::move(commands_); }

  void error(const Location& at, const std::string& reason) { diagnostics_.error(at, reason); }
  void syntax_error(const Scanner& scanner, const Parser::context& context);
  void recover();
  void finish() { flush(); }

  // commands
  /// Where one is wrong as a whole, nft marks what ends it too.
  void end_command(const Location& at) {
    if (!commands_.empty() && !changes_rules(commands_.back().operation)) commands_.back().at = at;
  }
  void begin_table(Operation operation, const Command& place, const Location& at);
  void open_table() { in_table_ = true; }
  void end_table();
  Command inner(const Name& name);
  void begin_chain(Operation operation, const Command& place, const Location& at);
  void begin_set(Thing thing, Operation operation, const Command& place, const Location& where);
  void end_set();
  void begin_object(const Named& what, Operation operation, const Command& place, const Location& where);
  void end_object();
  void begin_flowtable(Operation operation, const Command& place, const Location& where);
  void end_flowtable();
  void rename(Operation operation, Command place, const Name& name, const Location& at);
  void rule(Operation operation, const Command& place, std::vector<Statement> statements, std::string comment,
            const Location& where);
  void chain_rule(std::vector<Statement> statements, std::string comment, const Location& where);
  void elements(Operation operation, const Command& place, Expression set, const Location& where);
  void whole(Operation operation, const Plural& things, const std::string& family, const Name& table, const Location& where);
  void meter_command(Operation operation, const Command& place, const Location& where);
  void hook(const Name& type, const Name& name, const Priority& priority, const Location& priority_at,
            const Location& where);
  Command& table() { return block_table_; }
  Command& chain() { return at(chains_); }
  Command& flowtable() { return at(flowtables_); }
  Set& set() { return at(sets_).set; }
  Object& object() { return at(objects_).object; }
  void object_argument(Argument argument) { object().body.arguments.push_back(std::move(argument)); }
  void set_flags(const std::vector<Name>& flags);
  void set_policy(const Name& name);
  void set_elements(Expression elements);
  void set_map(Expression key, Expression data, bool type_of);
  void set_type_of(Expression key);
  Expression type_list(const Name& name);
  void type_more(Expression& list, const Name& name);
  static Expression object_data(const Named& object);

  // statements
  Statement verdict(const std::string& word, const Name& chain, const Location& at);
  Statement statement(const Named& what, Statement arguments, const Location& at, const Location& word_at);
  /// Of elements of sets.
  Statement stateful(const Named& what, Statement arguments, const Location& at, const Location& word_at);
  Statement match(std::string sign, Expression left, Expression right, const Location& at);
  Statement masked(std::string sign, Expression left, Expression value, Expression mask, const Location& at);
  Statement set_value(Expression key, Expression value, const Location& at);
  Statement vmap(Expression key, Expression data, const Location& at);
  Statement update(const std::string& operation, const Name& set, Expression element, Expression data, const Location& at,
                   const Location& set_at);
  Statement meter(const Name& name, Expression element, uint64_t size, const Location& at);
  void keep_statement(Statement statement) { kept_ = std::move(statement); }
  Statement take_statement() { return std::move(kept_); }

  // expressions
  static Expression text(const std::string& text, const Location& at, bool quoted);
  static Expression word(const Name& name) { return text(name.text, name.at, false); }
  static Expression wildcard(const Location& at);
  Expression raw(const std::string& text, const Location& at);
  Expression numbered(const Named& module, const std::string& text, const Location& at, const Location& number_at);
  static Expression reference(const Name& name, const Location& at);
  static Expression verdict_value(const std::string& word, const Name& chain, const Location& at);
  static Expression binary(const char* sign, Expression left, Expression right, const Location& at);
  static Expression range(Expression low, Expression high, const Location& at);
  Expression prefix(Expression address, const std::string& length, const Location& at);
  static Expression concat(Expression left, Expression right, const Location& at);
  static Expression list(Expression left, Expression right, const Location& at);
  static Expression lookup(Expression key, Expression set, const Location& at);
  static Expression empty_set(const Location& at);
  static Expression first_element(Expression element, const Location& at);
  static void more_elements(Expression& set, Expression element);
  static Expression mapping(Expression key, Expression data, const Location& at);
  static Expression element(Expression key, const Location& at);
  static Expression with_statement(Expression element, Statement statement);
  static Expression option(Expression element, const char* name, uint64_t milliseconds, const Location& at);
  Expression element_comment(Expression element, const std::string& comment, const Location& at);
  static Expression field(const Named& module, const Named& key, const Location& at);
  static Expression selecting(const Named& module, const Location& at);
  static void modifier(Expression& select, const Named& word, const Location& at);
  static Expression select(Expression start, const Named& key, Expression parameters, const Location& at);
  static Expression hash(const Named& module, Expression of, Expression parameters, const Location& at);

  // words with a unit
  uint64_t number(const std::string& text, const Location& at, uint64_t most);
  int64_t small(const std::string& text, const Location& at);
  uint64_t duration(const std::string& text, const Location& at);
  Expression parameter_number(const Named& parameter, const std::string& text, const Location& at);
  static Expression time(uint64_t milliseconds, const Location& at);
  Expression sized(const std::string& text, const std::string& unit, const Location& at);
  Expression rate(const std::string& text, const std::string& unit, const std::string& per, const Named& sign,
                  const Location& at);
  void single(Expression& value);
  Expression target(Expression address, Expression port, const Location& at);
  static void block_entry(Expression& block, const Name& name, uint64_t milliseconds);
  static Expression words(const Name& name);
  static void more_words(Expression& words, const Name& name);
  std::string checked_comment(const std::string& text, const Location& where);

 private:
  void in_order(const Module& module, const std::vector<Argument>& arguments);
  Command& at(std::vector<Command>& list) { return list.empty() ? block_table_ : list.back(); }
  Command made(Thing thing, Operation operation, const Command& place, const Location& at);
  void flush();

  const Registry& registry_;
  Diagnostics& diagnostics_;
  std::vector<Command> commands_;
  Command block_table_;
  std::vector<Command> chains_, sets_, objects_, flowtables_, rules_, element_commands_;
  Statement kept_;
  bool in_table_ = false;
};

}  // namespace bulkhead::ruleset