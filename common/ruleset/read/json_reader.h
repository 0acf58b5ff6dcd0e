// common/ruleset/read/json_reader.h: libnftables' JSON into expressions and statements; for json_input.cc and its own files only.
//
// Way     they become the same generic structure that the grammar's actions make, unchecked.
// Errors  Refusal is thrown, or an exception of nlohmann's: json_input.cc tells them.
#pragma once

#include "common/ruleset/write/json_tree.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/token.h"

namespace bulkhead::ruleset::json_in {

using Json = nlohmann::ordered_json;

struct Refusal {
  std::string reason;
};
[[noreturn]] void refuse(std::string reason);

// Each refuses what is not there, or is of another kind.
const Json& member(const Json& object, const char* name);
std::string text_of(const Json& json);
std::string text_or(const Json& object, const char* name, const std::string& otherwise = {});
uint64_t number_of(const Json& json);

Expression made(Kind kind);
Expression word(std::string text, bool quoted = false);
Expression numeric(uint64_t number);

class Reader {
 public:
  explicit Reader(const Registry& registry) : registry_(registry) {}
  Expression expression(const Json& json);
  Statement statement(const Json& json);
  Expression element(const Json& json);
  std::vector<Expression> elements(const Json& json);

 private:
  static Expression reference(const std::string& text);
  Expression many(Kind kind, const Json& json);
  Expression of_key(const Module* module, const std::string& key);
  Expression named(const std::string& name, const Json& json);
  Expression operation(const std::string& sign, const Json& json);
  Expression payload(const Json& json);
  Expression exthdr(const Json& json);
  Expression fib(const Json& json);
  Expression with_numbers(Expression select, const Json& json, std::initializer_list<const char*> names);
  Expression hash(const std::string& name, const Json& json);
  Expression keyed(const Module& module, const Json& json);
  Statement statement(const std::string& name, const Json& json);
  Statement special(const std::string& name, const Json& json);
  Statement nat(const Module& module, const Json& json);
  void general(Statement& statement, const Json& json);
  void limit(Statement& statement, const Json& json);
  void log(Statement& statement, const Json& json);

  const Registry& registry_;
};

}  // namespace bulkhead::ruleset::json_in