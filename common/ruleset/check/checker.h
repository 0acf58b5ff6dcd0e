// common/ruleset/check/checker.h: whether a rule makes sense, and what it becomes: types found, words turned into values, what a
// listing leaves out left out.
//
// Who     apply.cc for each rule and set; modules for their own statements.
// State   what is known of the packet's headers so far, layer by layer, as the rule's matches say.
// Errors  go to Diagnostics with the place and nft's words; the check goes on, so that all of a file's errors show.
#pragma once

#include <optional>

#include "common/ruleset/tree/module.h"
#include "common/ruleset/tree/source.h"

namespace bulkhead::ruleset {

class Checker {
 public:
  Checker(const Table& table, const Registry& registry, Diagnostics& diagnostics)
      : table_(table), registry_(registry), diagnostics_(diagnostics) {}

  bool rule(Rule& rule, const Chain& chain);
  bool set(Set& set);
  bool elements(const Set& set, std::vector<Expression>& elements);
  bool body(Statement& body);

  // for modules
  bool error(const Location& at, std::string reason, const Location& also = {});
  [[nodiscard]] std::string_view family() const { return table_.family; }
  [[nodiscard]] const Table& table() const { return table_; }
  [[nodiscard]] const Registry& registry() const { return registry_; }
  [[nodiscard]] const Chain* chain() const { return chain_; }
  [[nodiscard]] const Module* known(Layer layer) const { return known_[static_cast<size_t>(layer)]; }
  /// A value, range, set... of that type and width.
  bool value(Expression& expression, const DataType& type, uint16_t bits);
  /// Anything that can be read: its type is found.
  bool typed(Expression& expression);
  /// A named object of that kind, or a map that gives one.
  bool object_reference(Expression& expression, std::string_view object);
  bool has_chain(const Expression& target);
  /// kNfIpv4 or kNfIpv6, by the statement's own word, the table, or else 0.
  [[nodiscard]] uint8_t family_said(const Statement& statement) const;
  /// The packet may be of that family; 0: none was said.
  bool may_be(uint8_t said, const Statement& statement);
  /// The family of an address that the statement sends to; what it does not say, it says from here on.
  std::optional<uint8_t> target_family(Statement& statement);
  /// A map that gives addresses of that type, with ports or without.
  bool target_map(Expression& expression, const DataType& type, bool pairs);
  /// From here on the packet is known to have this header; says so itself, as a match, where nothing did yet.
  bool require(const Module& header, const Location& at);
  /// What is read is a part of this header: the packet has it, or the rule contradicts itself.
  bool inside(const Module& header, const Location& at);
  // The grammar's own statements, by their modules.
  bool match(Statement& match);
  bool mangle(Statement& mangle);
  bool vmap(Statement& vmap);
  bool update(Statement& update);
  bool meter(Statement& meter);
  /// What is asked for is looked up among several values.
  [[nodiscard]] bool among_several() const { return several_; }

 private:
  bool statement(Statement& statement);
  bool match_value(Expression& right, const Expression& left, const DataType& type, std::string& sign);
  bool within(const Expression& left, const Expression& right);
  bool stateful(Statement& one);
  bool fits(const std::vector<Expression>& want, const Expression& key, const Location& also);
  bool guess_data(Expression& data, Expression& whole);
  bool fits_map(const Set& map, const DataType& type, const Expression& lookup);
  bool object_map(Expression& expression, std::string_view object);
  bool object_elements(const Expression& key, Expression& map, std::string_view object);
  bool room_for_key(const Set& set);
  bool own_statements(const Set& set, Expression& element);
  bool new_meter(const Expression& name);
  bool unknown(const Expression& word);
  bool may_ask(const Expression& select);
  bool link_header(const Module& header, const Location& at);
  bool select(Expression& expression);
  bool address(Expression& select);
  void name_port(Expression& select);
  bool name_raw(Expression& raw);
  bool implied(const Expression& select);
  bool require_message(const Expression& select);
  bool ask_message(const Expression& select, const Messages& messages);
  Statement equal(Expression left, Expression right, const Location& at);
  bool leaf(Expression& expression, const DataType& type, uint16_t bits);
  bool prefix_value(Expression& prefix, const DataType& type, uint16_t bits);
  bool range_value(Expression& range, const DataType& type, uint16_t bits);
  bool circular_range(Expression& range, std::string& sign, const DataType& type, uint16_t bits);
  bool folded(Expression& binary, const DataType& type, uint16_t bits);
  bool compatible_value(Expression& expression, const DataType& type, uint16_t bits);
  bool set_value(Expression& expression, const DataType& type, uint16_t bits, const std::vector<Expression>* fields);
  bool element_key(Expression& key, const DataType& type, uint16_t bits, const std::vector<Expression>* fields);
  bool concat_value(Expression& expression, const std::vector<Expression>& fields);
  bool list_value(Expression& expression, const DataType& type, uint16_t bits);
  bool lookup(Expression& expression, const DataType* wanted, uint16_t bits);
  bool binary(Expression& expression, const DataType& type, uint16_t bits);
  bool reference(Expression& expression, const Expression& left, bool map);
  bool map_data(Expression& data, const Set* set, const DataType& type, uint16_t bits);
  void learn(const Statement& match);
  void know(Layer layer, const Module& header) { known_[static_cast<size_t>(layer)] = &header; }
  void learn_set(const Expression& set, Tells tells, bool by_packet);
  void either(const Module* header);
  bool unambiguous(const Module& header, const Location& at);
  void begin();

  const Table& table_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  const Chain* chain_ = nullptr;
  std::array<const Module*, 4> known_{};
  std::array<std::vector<const Module*>, 4> either_{};  // by layer: a match left several
  bool several_ = false, setting_ = false;
  std::optional<Number> message_;  // ICMP's type, as far as the rule has said
  const Module* before_it_ = nullptr;         // the statement before the one under check
  std::vector<Statement>* before_ = nullptr;  // statements that the one under check needs before it
};

/// Sorted, overlaps refused or merged, as the kernel lists them.
bool arrange(std::vector<Expression>& elements, bool interval, bool merge, Checker& checker);

/// Leaves out the matches that a later one implies, as nft does on listing.
void remove_implied(std::vector<Statement>& statements, std::string_view family, const Registry& registry);

/// low-high, as the kernel's nft lists it: a network, where it is one.
Expression interval(const Expression& like, Number low, Number high);
/// The same of NAT's addresses, where a single one is a network too.
void shorten(Expression& addresses);

/// Of a match or a vmap whose left side is raw payload that begins or ends within a byte: whole bytes and a mask.
void whole_bytes(Expression& left, Expression& right);

bool same(const Expression& left, const Expression& right);
Number low_of(const Expression& value);
Number high_of(const Expression& value);

}  // namespace bulkhead::ruleset
