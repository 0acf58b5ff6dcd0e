// common/ruleset/compile/compile.h: a ruleset into a program.
//
// Who     whoever runs rules or explains them. The ruleset has been checked and applied; what is wrong here is something that
//         no module can compile yet, by name.
// Order   rules get numbers in the order of tables, chains and rules; state words in the order of the statements that want
//         them, so every process that compiles the same ruleset counts alike.
// Modules emit steps through Compiler (Module::compile, load, store); they see registers, words and constants, and nothing of
//         chains or hooks.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "common/base/result.h"
#include "common/ruleset/operations.h"
#include "common/ruleset/run/dynamic_set.h"
#include "common/ruleset/tree/generic.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {

/// What cannot be compiled, or what is to be said of what was.
struct Remark {
  Location at;
  std::string text;
};

/// All words there are and all that steps can do; a test adds its own.
struct Vocabulary {
  std::span<const Module* const> modules = all_modules();
  std::span<const StepOperation* const> operations = all_operations();
};

struct Remarks {
  std::vector<Remark> errors, notes;  // in the order of the rules
};

class Compiler {
 public:
  /// What the host says: numbers of interfaces by name.
  struct World {
    std::unordered_map<std::string, uint32_t> interfaces;
    bool any_interface = false;  // others may be there too: a file is checked without a host
    uint64_t seed = 0;  // of everything that is chance
    Wiring wiring = Wiring::router;
  };
  /// The statement that holds the numbers, the named object's or the rule's own, and its words; null: failed, or a map says
  /// which object, and all is done.
  struct Stateful {
    const Statement* body;
    uint32_t word;
  };
  Compiler(Program& program, const World& world, const Vocabulary& vocabulary);

  void emit(const StepOperation& operation, Step step = {});

  // State.
  /// `count` words that begin with these values. Gives the first one's number.
  uint32_t words(const std::vector<uint64_t>& initial);
  void begin(uint32_t word, uint64_t value) { (body_ == nullptr ? program_.initial : body_->initial)[word] = value; }
  Stateful stateful(const Statement& statement, size_t count);
  /// The word that keeps when the first packet came.
  uint32_t start();

  // Values.
  /// Steps that put the expression's value into registers from `to` on. Gives how many; 0: failed, and said so.
  uint8_t load(const Expression& expression, uint8_t to);
  /// Numbers that an expression without anything of the packet in it stands for.
  bool constant(const Expression& expression, Number& low, Number& high);
  void match(std::string_view operation, const Expression& left, const Expression& right);
  /// Sets what the key names.
  void store(const Expression& key, const Expression& value);
  /// Of a `ct`: 0 original, 1 reply, 2 none named.
  [[nodiscard]] static uint32_t direction_of(const Expression& select);
  /// Refuses what no module compiles.
  uint8_t not_supported(const Expression& select);
  /// Of numgen, jhash...: each has chances of its own.
  uint32_t next_made_number() { return made_numbers_++; }
  const Chance& chance();

  // Verdicts. `target`: of a jump; null: none.
  bool verdict(const Module& module, const Expression* target, const Location& at, Step& step);
  void decide(const Statement& said);

  // Sets, by their places in the program.
  /// A set whose elements stay, or the one that a reference names. `object`: what an anonymous map gives; empty: values.
  std::optional<uint32_t> constant_set(const Expression& set, size_t fields, std::string_view object = {});
  /// The set that a reference names, if its elements come and go; nothing: they do not.
  std::optional<uint32_t> dynamic_set(const Expression& reference, size_t fields);
  struct Lookup {
    const Expression& map;
    uint8_t fields = 0, to = 0;   // registers
    uint8_t gives = 1;            // of a map's data into registers from `to` on
    std::string_view object{};    // what it gives, if that is no value
  };
  /// The step that looks registers from `to` on up in a set: by the first operation in one that stays, else by the second. Gives the
  /// set if it stays.
  std::optional<uint32_t> look_up(const Lookup& lookup, const StepOperation& in_constant, const StepOperation& in_dynamic);
  /// Does the map give an address and a port?
  [[nodiscard]] bool gives_pairs(const Expression& lookup) const;
  void update(const Statement& statement);
  void meter(const Statement& statement);

  // What the program keeps: gives its place.
  uint32_t keep(const NatTarget& target) { return put(program_.targets, target); }
  uint32_t keep(const HashedFields& fields) { return put(program_.hashed, fields); }
  uint32_t keep(TimeoutPolicy policy) { return put(program_.timeouts, std::move(policy)); }
  [[nodiscard]] const Program& program() const { return program_; }
  /// Addresses that flows may get.
  void may_become(packet::Part part, const IpAddress& low, const IpAddress& high) {
    program_.may_become[static_cast<size_t>(part)].emplace_back(low, high);
  }
  void may_become_local(packet::Part part) { program_.may_become_local[static_cast<size_t>(part)] = true; }
  [[nodiscard]] Wiring wiring() const { return world_.wiring; }
  [[nodiscard]] std::string_view family() const { return table_->family; }

  /// Of the rule: the first word counts. Other rules are compiled all the same.
  void fail(const Location& at, std::string why);
  [[nodiscard]] bool failed() const { return !error_.text.empty(); }
  /// What a replay makes of a statement for which it lacks somebody.
  void note(const Location& at, std::string_view what);

 private:
  friend std::optional<Program> compile(const Ruleset& ruleset, const World& world, const Vocabulary& vocabulary, Remarks& remarks);
  template <class Thing>
  static uint32_t put(std::vector<Thing>& arena, Thing thing) {
    arena.push_back(std::move(thing));
    return static_cast<uint32_t>(arena.size() - 1);
  }
  std::vector<Step>& steps() { return acts_ != nullptr ? *acts_ : body_ == nullptr ? program_.steps : body_->steps; }
  /// kNoOperation: failed.
  OperationNumber number_of(const StepOperation& operation);
  void table(const Table& table);
  void rule(const Rule& rule, uint32_t chain);
  void keep_error();
  void statement(const Statement& statement);
  /// The named object of that kind; null: it is not there.
  const Statement* object(std::string_view kind, const Expression& name);
  /// Its first word, made when it is first asked for.
  uint32_t words_of(const Statement& object, size_t count);
  /// What a map's element does: the object that it names; an element's own statements.
  StepRun object_steps(std::string_view kind, const Expression& name);
  StepRun element_steps(const std::vector<const Statement*>& statements);
  void object_by_map(std::string_view kind, const Expression& lookup);
  /// Where a statement's state is, so that a listing can show it.
  void counts(const Statement& statement, uint32_t word) {
    (body_ == nullptr ? program_.counted : body_->counted).push_back({&statement, word});
  }
  /// Of an object that the key sets: its place in what the program keeps; nothing: failed.
  std::optional<uint32_t> kept_object(std::string_view kind, const Expression& name);
  void wants_number_of(const Expression& name, Number& value);
  /// The named chain of the table that is being compiled.
  bool chain(std::string_view name, uint32_t& index);
  uint8_t load_select(const Expression& select, uint8_t to);
  uint8_t load_binary(const Expression& binary, uint8_t to);
  uint8_t load_lookup(const Expression& lookup, uint8_t to);
  bool element(const Expression& one, size_t fields, ConstantSet::Range& range);
  bool map_data(const Expression& data, MapData& into);
  /// Steps that leave the rule where the packet has no such header.
  void require(const Module& header);
  void update(uint32_t set, const StepOperation& operation, const Expression& element, const Expression* data,
              const std::vector<Statement>& statements);
  [[nodiscard]] bool changes(const Set& set) const;
  std::optional<uint32_t> make_dynamic(const Set& set);
  bool file_element(const Set& set, const Expression& one, DynamicSet& into);
  uint16_t body(DynamicSet& set, const std::vector<Statement>& statements, std::vector<uint64_t>& initial);
  void place_sets();
  void hook(const Base& base, uint32_t index);
  void settle(const Base& base, CompiledChain& chain) const;

  Program& program_;
  const World& world_;
  std::unordered_map<const StepOperation*, OperationNumber> numbers_;
  std::vector<const Module*> verdicts_;  // modules
  bool asked_ether_type_ = false;  // by this rule, so that `vlan` asks for no kind of tag itself
  bool bridge_tracks_ = false;  // tables of family bridge use conntrack
  const Table* table_ = nullptr;
  uint32_t table_first_ = 0;  // its first chain
  Remark error_;  // of this rule
  std::vector<Remark> errors_, notes_;
  std::unordered_map<std::string, uint32_t> named_, dynamic_;  // the table's sets that were asked for
  std::unordered_set<std::string> filled_;                     // those that rules change
  DynamicSet::Body* body_ = nullptr;  // where steps and words go while an element's statements are compiled; null: to the program
  /// Elements of the file, until the words of their sets are known.
  struct Filed {
    DynamicSet* set;
    DynamicSet::Element element;
    std::vector<uint64_t> initial;
    bool for_others = false;  // `*`
  };
  std::deque<Filed> filed_;
  uint32_t made_numbers_ = 0;
  std::unordered_map<const Statement*, uint32_t> objects_;  // their first words, or their places
  std::unordered_map<const Statement*, StepRun> object_steps_;
  const Statement* object_ = nullptr;   // whose steps are being made
  std::vector<Step>* acts_ = nullptr;   // where steps go meanwhile, and for an element's statements; null: see body_
};

/// Nothing: errors say why.
[[nodiscard]] std::optional<Program> compile(const Ruleset& ruleset, const Compiler::World& world, const Vocabulary& vocabulary, Remarks& remarks);

/// snat, dnat, masquerade, redirect: which part, and where its address comes from unless one is said. compile_nat.cc
void compile_nat(const Statement& statement, packet::Part part, NatTarget::Address address, Compiler& compiler);

}  // namespace bulkhead::ruleset
