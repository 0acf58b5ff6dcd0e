// common/ruleset/compile/compile.h: a ruleset into a program.
//
// Who     whoever runs rules or explains them. The ruleset has been checked and applied; what is wrong here is something that
//         no module can compile yet, by name.
// Order   rules get numbers in the order of tables, chains and rules; state words in the order of the statements that want
//         them, so every process that compiles the same ruleset counts alike.
// Modules emit steps through Compiler; they see registers, words and constants, and nothing of chains or hooks.
#pragma once

#include <unordered_map>

#include "common/base/result.h"
#include "common/ruleset/tree/generic.h"
#include "common/ruleset/run/dynamic_set.h"

namespace bulkhead::ruleset {

class Compiler {
 public:
  /// What the host says: numbers of interfaces by name.
  struct World {
    std::unordered_map<std::string, uint32_t> interfaces;
    uint64_t seed = 0;  // of everything that is chance
  };
  Compiler(Program& program, const World& world) : program_(program), world_(world) {}

  void emit(const Step& step) { (body_ == nullptr ? program_.steps : body_->steps).push_back(step); }
  /// `count` words that begin with these values. Gives the first one's number.
  uint32_t words(const std::vector<uint64_t>& initial);
  void begin(uint32_t word, uint64_t value) { (body_ == nullptr ? program_.initial : body_->initial)[word] = value; }
  /// First word of the named object of that kind, made when it is first asked for; its statement, and whether it is there.
  const Statement* object(std::string_view kind, const Expression& name, uint32_t& word, size_t count);
  /// Steps that put the expression's value into registers from `to` on. Gives how many; 0: failed, and said so.
  uint8_t load(const Expression& expression, uint8_t to);
  /// Numbers that an expression without anything of the packet in it stands for.
  bool constant(const Expression& expression, Number& low, Number& high);
  void wants_number_of(const Expression& name, Number& value);
  /// The named chain of the table that is being compiled.
  bool chain(std::string_view name, uint32_t& index);
  /// A verdict's step.
  bool verdict(const Expression& said, Step& step);
  /// Ranges of a set, or of the set that a reference names.
  const ConstantSet* set(const Expression& set, size_t fields);
  /// The set that a reference names, if its elements come and go; null: they do not.
  DynamicSet* dynamic_set(const Expression& reference, size_t fields);
  /// The step that looks registers from `to` on up in a set: by the first function in one that stays, else by the second.
  void look_up(const Expression& named, uint8_t fields, uint8_t to, Step::Run in_constant, Step::Run in_dynamic);
  void match(std::string_view operation, const Expression& left, const Expression& right);
  /// For compile_nat.cc: what the program keeps of it, and which addresses flows may get.
  const NatTarget* keep(const NatTarget& target) { return &program_.targets.emplace_back(target); }
  void may_become(packet::Part part, const IpAddress& low, const IpAddress& high) {
    program_.may_become[static_cast<size_t>(part)].emplace_back(low, high);
  }
  void may_become_local(packet::Part part) { program_.may_become_local[static_cast<size_t>(part)] = true; }
  /// Does the map give an address and a port?
  [[nodiscard]] bool gives_pairs(const Expression& lookup) const;
  [[nodiscard]] std::string_view family() const { return table_->family; }
  /// Where a statement's state is, so that a listing can show it.
  void counts(const Statement& statement, uint32_t word) {
    (body_ == nullptr ? program_.counted : body_->counted).push_back({&statement, word});
  }
  /// Statements of an element are being compiled: their words are the element's own.
  [[nodiscard]] bool in_element() const { return body_ != nullptr; }
  /// The word that keeps when the first packet came.
  uint32_t start();
  void fail(const Location& at, std::string why);
  [[nodiscard]] bool failed() const { return !error_.message.empty(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  friend Result<Program> compile(const Ruleset& ruleset, const World& world);
  void table(const Table& table);
  void rule(const Rule& rule, uint32_t chain);
  void statement(const Statement& statement);
  uint8_t load_select(const Expression& select, uint8_t to);
  uint8_t load_made(const Expression& select, uint8_t to);
  uint8_t load_option(const Expression& select, uint8_t to);
  uint8_t load_route(const Expression& select, uint8_t to);
  bool hash_of(const Expression& select, Step& step);
  const Chance* chance();
  uint8_t load_binary(const Expression& binary, uint8_t to);
  uint8_t load_lookup(const Expression& lookup, uint8_t to);
  bool element(const Expression& one, size_t fields, ConstantSet::Range& range);
  void mangle(const Statement& statement);
  void edit(const Expression& key, const Expression& value);
  /// Steps that leave the rule where the packet has no such header.
  void require(const Module& header);
  void update(const Statement& statement);
  void meter(const Statement& statement);
  void update(DynamicSet& set, std::string_view operation, const Expression& element, const Expression* data,
              const std::vector<Statement>& statements);
  DynamicSet* make_dynamic(const Set& set);
  bool file_element(const Set& set, const Expression& one, DynamicSet& into);
  uint16_t body(DynamicSet& set, const std::vector<Statement>& statements, std::vector<uint64_t>& initial);
  void place_sets();
  void hook(const Base& base, const std::string& family, uint32_t chain);
  void insert(std::vector<uint32_t>& chains, uint32_t chain, int32_t priority, bool source) const;

  Program& program_;
  const World& world_;
  const Table* table_ = nullptr;
  uint32_t table_first_ = 0;  // its first chain
  Error error_;
  std::unordered_map<std::string, const ConstantSet*> named_;
  std::unordered_map<std::string, DynamicSet*> dynamic_;
  DynamicSet::Body* body_ = nullptr;  // where steps and words go; null: to the program
  /// Elements of the file, until the words of their sets are known.
  struct Filed {
    DynamicSet* set;
    DynamicSet::Element element;
    std::vector<uint64_t> initial;
  };
  std::deque<Filed> filed_;
  uint32_t made_numbers_ = 0;  // numgen, jhash... so far: each has chances of its own
  std::unordered_map<const Statement*, uint32_t> objects_;  // their first words
};

[[nodiscard]] Result<Program> compile(const Ruleset& ruleset, const Compiler::World& world);

/// snat, dnat, masquerade, redirect. compile_nat.cc
void compile_nat(const Statement& statement, Compiler& compiler);

}  // namespace bulkhead::ruleset