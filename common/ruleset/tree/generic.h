// common/ruleset/tree/generic.h: what every rule is made of: values and trees that no module changes.
//
// Who     the text and JSON readers make it, check/checker.h resolves and normalises it, the printers and the evaluator read it.
// Shape   libnftables' JSON: an expression is a kind, a text or number, and parts; a statement is a module and arguments.
//         A new module brings new names into this, never a new kind.
// State   before the check words are Kind::text and types are null; after it every leaf is Kind::value with a type, sets are
//         sorted, and what a listing leaves out is gone. A match on a header's field implies that header's protocol.
// Units   bits: of the value. Columns: from 1, inclusive. Times: milliseconds.
// Owner   plain values; data types, modules and keys are pointed at and live as long as the program.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::ruleset {

__extension__ using Number = unsigned __int128;

struct DataType;
struct Module;
struct Key;
struct Expression;
struct Statement;

struct Location {
  uint32_t source = 0;  // index into Sources
  uint32_t line = 0, first = 0, last = 0;
  [[nodiscard]] constexpr bool known() const { return line != 0; }
};

enum class Kind : uint8_t {
  none,
  text,       // a word or string that has no type yet
  value,      // number or text, with a type
  select,     // module and key: what is read from packet, flow or host
  prefix,     // parts[0] / number
  range,      // parts[0] - parts[1]
  list,       // a, b: flags together
  set,        // { a, b }; parts are elements
  element,    // parts[0] is the key; arguments: timeout, expires, comment; statements
  mapping,    // parts[0] : parts[1], in a set's element
  concat,     // a . b
  binary,     // text is & | ^ << >>
  lookup,     // parts[0] map parts[1]
  reference,  // @text
  verdict,    // text is accept, drop, jump...; parts[0] the chain, if any
  wildcard,   // * in a set
};

struct Argument;

struct Expression {
  Kind kind = Kind::none;
  bool quoted = false, defined = false;  // in quotation marks; a set that a variable stands for
  uint16_t bits = 0;
  Location at;
  const DataType* type = nullptr;
  const Module* module = nullptr;  // select
  const Key* key = nullptr;        // select
  Number number = 0;
  std::string text;
  std::vector<Expression> parts;
  std::vector<Argument> arguments;
  std::vector<Statement> statements;

  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
  [[nodiscard]] const Expression* argument(std::string_view name) const;
  [[nodiscard]] Expression* argument(std::string_view name);
};

/// A named thing within a select, an element or a statement. Flags have no value.
struct Argument {
  std::string name;
  Location at;
  Expression value;
};

struct Statement {
  const Module* module = nullptr;
  bool hidden = false;  // a match that a later one implies: evaluated where it stands, not listed
  Location at;
  std::vector<Argument> arguments;
  Location word_at{};  // of the statement's own name

  [[nodiscard]] const Expression* argument(std::string_view name) const;
  [[nodiscard]] Expression* argument(std::string_view name);
  [[nodiscard]] bool has(std::string_view name) const { return argument(name) != nullptr; }
  /// 0 where it is not there.
  [[nodiscard]] uint64_t number(std::string_view name) const {
    const Expression* const value = argument(name);
    return value == nullptr ? 0 : static_cast<uint64_t>(value->number);
  }
  void set(std::string name, Expression value);
  void erase(std::string_view name);
};

struct Rule {
  uint64_t handle = 0;
  std::string comment;
  std::vector<Statement> statements;
  Location at;
};

/// Where a base chain is hooked.
struct Base {
  std::string type, hook;  // "filter", "input"
  std::vector<std::string> devices;
  int32_t priority = 0;
  bool drop = false;
};

struct Chain {
  std::string name, comment;
  uint64_t handle = 0;
  std::optional<Base> base;
  std::vector<Rule> rules;
};

struct Set {
  std::string name, comment;
  uint64_t handle = 0;
  bool map = false;
  bool meter = false;
  bool type_of = false;         // key and data were given as expressions
  bool interval_data = false;   // `type ... : interval ipv4_addr`
  std::vector<Expression> key;  // one, or the fields of a concatenation; value without number, or a select
  std::vector<Expression> data;
  std::string object;  // a map to counters, quotas...: the object's module
  bool constant = false, interval = false, timeouts = false, dynamic = false, auto_merge = false;
  bool memory = false;  // policy memory
  uint64_t timeout_ms = 0, gc_interval_ms = 0;
  uint32_t size = 0;
  std::vector<Expression> elements;
  std::vector<Statement> statements;  // each element has such
  Location at;
};

/// A named counter, quota, limit, ct helper...; `kind` is the module that knows its arguments.
struct Object {
  std::string name, comment;
  uint64_t handle = 0;
  Statement body;
};

struct Flowtable {
  std::string name;
  uint64_t handle = 0;
  int32_t priority = 0;
  std::vector<std::string> devices;
  bool counter = false, offload = false;
};

struct Table {
  std::string family, name, comment;
  uint64_t handle = 0, next_handle = 1;
  bool dormant = false;
  std::vector<Object> objects;
  std::vector<Set> sets;
  std::vector<Set> meters;  // of rules, and gone with them; nothing can refer to one, and listings of tables leave them out
  std::vector<Flowtable> flowtables;
  std::vector<Chain> chains;
};

struct Ruleset {
  std::vector<Table> tables;
  uint64_t next_handle = 1;  // of tables
};

template <class Things>
auto* find_named(Things& things, std::string_view name) {
  for (auto& thing : things)
    if (thing.name == name) return &thing;
  return static_cast<decltype(&*things.begin())>(nullptr);
}

inline const Expression* Expression::argument(std::string_view name) const {
  for (const Argument& one : arguments)
    if (one.name == name) return &one.value;
  return nullptr;
}
inline Expression* Expression::argument(std::string_view name) {
  return const_cast<Expression*>(static_cast<const Expression*>(this)->argument(name));
}
/// A set of a single plain value is that value where nothing else can stand: `define A = { 10.0.0.1 }`, `dnat to $A`.
inline void only_element(Expression& value) {
  if (!value.is(Kind::set) || value.parts.size() != 1) return;
  Expression& element = value.parts[0];
  if (!element.is(Kind::element) || element.parts.size() != 1 || !element.arguments.empty() || !element.statements.empty()) return;
  Expression only = std::move(element.parts[0]);
  value = std::move(only);
}

inline const Expression* Statement::argument(std::string_view name) const {
  for (const Argument& one : arguments)
    if (one.name == name) return &one.value;
  return nullptr;
}
inline Expression* Statement::argument(std::string_view name) {
  return const_cast<Expression*>(static_cast<const Statement*>(this)->argument(name));
}
inline void Statement::set(std::string name, Expression value) {
  if (Expression* const there = argument(name)) *there = std::move(value);
  else arguments.push_back({std::move(name), value.at, std::move(value)});
}
inline void Statement::erase(std::string_view name) {
  std::erase_if(arguments, [&](const Argument& one) { return one.name == name; });
}

}  // namespace bulkhead::ruleset