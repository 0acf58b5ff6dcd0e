// common/ruleset/read/json_reader.h: libnftables' JSON into expressions and statements; for json_input.cc and what modules take.
//
// Way     they become the same generic structure that the grammar's actions make, unchecked.
// Errors  Refusal is thrown; json_input.cc tells it.
#pragma once

#include "common/ruleset/read/token.h"
#include "common/ruleset/tree/json.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset::json_in {

struct Refusal {
  std::string reason;
};
[[noreturn]] void refuse(std::string reason);

// Each refuses what is not there, or is of another kind.
const Json& member(const Json& object, std::string_view name);
std::string text_of(const Json& json);
std::string text_or(const Json& object, std::string_view name, const std::string& otherwise = {});
uint64_t number_of(const Json& json);
bool is_true(const Json& object, std::string_view name);

Expression made(Kind kind);
Expression word(std::string text, bool quoted = false);
Expression numeric(uint64_t number);
/// `"flags": [...]` or `"flags": "..."`: each as an argument.
void flags_of(Statement& statement, const Json& json);
/// Bytes or packets, with the unit that a member names.
Expression size_of(const Json& json, std::string_view number, std::string_view unit);
/// Those members, where they are there, as arguments of the same name.
void take_numbers(Statement& statement, const Json& json, std::initializer_list<std::string_view> names);
void take_numbers(Expression& select, const Json& json, std::initializer_list<std::string_view> names);

class Reader {
 public:
  explicit Reader(const Registry& registry) : registry_(registry) {}
  Expression expression(const Json& json);
  Statement statement(const Json& json);
  Expression element(const Json& json);
  std::vector<Expression> elements(const Json& json);

  // for modules
  static Expression reference(const std::string& text);
  Expression of_key(const Module* module, const std::string& key);
  /// An option, or a field of it, by their names.
  Expression option(const Module& module, const Json& json);
  /// The name of the statement that is read.
  [[nodiscard]] const std::string& said() const { return said_; }
  /// The name of an object instead, or nothing at all, is taken: false. True: there are members to read.
  bool has_members(Statement& statement, const Json& json);

 private:
  using Grammar = Expression (Reader::*)(const std::string& name, const Json& json);
  static Grammar grammar(std::string_view name);
  Expression many(Kind kind, const Json& json);
  Expression named(const std::string& name, const Json& json);
  Expression payload(const std::string& name, const Json& json);
  Expression exthdr(const std::string& name, const Json& json);
  Expression prefix(const std::string& name, const Json& json);
  Expression range(const std::string& name, const Json& json);
  Expression concat(const std::string& name, const Json& json);
  Expression set(const std::string& name, const Json& json);
  Expression whole_element(const std::string& name, const Json& json);
  Expression lookup(const std::string& name, const Json& json);
  Expression operation(const std::string& sign, const Json& json);
  Expression verdict(const Module& module, const Json& json);
  Expression keyed(const Module& module, const Json& json);
  Statement statement(const std::string& name, const Json& json);

  const Registry& registry_;
  std::string said_;
};

}  // namespace bulkhead::ruleset::json_in
