#include "common/ruleset/write/set_listing.h"

#include "common/ruleset/check/checker.h"
#include "common/ruleset/run/dynamic_set.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;

Expression number_value(Number number) {
  Expression value;
  value.kind = Kind::value;
  value.number = number;
  return value;
}

/// `first`: of the statement's words.
void put_counts(Statement& statement, uint32_t first, const StateWords& state) {
  if (statement.module->put_state == nullptr) return;
  statement.module->put_state(statement, [&](uint32_t word) { return state.get(first + word); });
}

/// As registers hold it, back into what is written.
Expression value_of(const Expression& field, Number number) {
  Expression value = number_value(number);
  value.type = field.type != nullptr ? field.type : field.key != nullptr ? field.key->type : nullptr;
  value.bits = field.bits != 0 ? field.bits : value.type != nullptr ? value.type->bits : uint16_t{0};
  if (value.type == nullptr || !value.type->text) return value;
  for (unsigned shift = 128; shift != 0; shift -= 8)
    if (auto const c = static_cast<char>(number >> (shift - 8) & 0xff); c != 0) value.text += c;
  value.number = 0;
  return value;
}

Expression key_of(const Set& set, const DynamicSet::Element& element) {
  if (set.key.size() == 1) return value_of(set.key[0], element.key[0]);
  Expression key;
  key.kind = Kind::concat;
  for (size_t i = 0; i < set.key.size(); ++i) key.parts.push_back(value_of(set.key[i], element.key[i]));
  return key;
}

Expression data_of(const Set& set, const MapData& given) {
  if (set.data.size() == 1) return value_of(set.data[0], given[0]);
  Expression data;
  data.kind = Kind::concat;
  for (size_t i = 0; i < set.data.size(); ++i) data.parts.push_back(value_of(set.data[i], given[2 * i]));
  return data;
}

void put_times(Expression& one, uint64_t timeout_ms, uint64_t left_ns, const Set& set) {
  std::erase_if(one.arguments, [](const Argument& argument) { return argument.name == "timeout" || argument.name == "expires"; });
  if (timeout_ms != set.timeout_ms) one.arguments.push_back({"timeout", {}, number_value(timeout_ms)});
  if (left_ns / kMillisecond != 0) one.arguments.push_back({"expires", {}, number_value(left_ns / kMillisecond)});
}

std::vector<Statement> statements_of(const DynamicSet& set, uint32_t entry, const StateWords& state) {
  const DynamicSet::Body& body = set.body(entry, state);
  std::vector<Statement> made = *body.statements;
  for (const Counted& counted : body.counted)
    put_counts(made[static_cast<size_t>(counted.statement - body.statements->data())],
               set.state_of(entry) + counted.word, state);
  return made;
}

/// What the file says of an element beyond its key stays: comment, verdict.
Expression element_of(const DynamicSet& from, const DynamicSet::Element& element, const StateWords& state, uint64_t now_ns) {
  const Set& set = *from.named;
  Expression one;
  one.kind = Kind::element;
  if (element.origin != 0 && element.origin <= set.elements.size()) {
    one = set.elements[element.origin - 1];
  } else {
    one.parts.push_back(key_of(set, element));
    if (set.map) one.parts.push_back(data_of(set, element.data));
  }
  one.statements = statements_of(from, element.entry, state);
  if (element.expires_ns != 0) put_times(one, element.timeout_ns / kMillisecond, element.expires_ns - now_ns, set);
  return one;
}

void put_elements(const DynamicSet& from, Ruleset& ruleset, const StateWords& state, uint64_t now_ns) {
  std::vector<Expression> all;
  for (const DynamicSet::Element& element : from.elements(state, now_ns))
    all.push_back(element_of(from, element, state, now_ns));
  for (Table& table : ruleset.tables)
    for (Set& set : table.sets) {
      if (&set != from.named) continue;
      Registry const registry(all_modules());
      Diagnostics diagnostics;
      Checker checker(table, registry, diagnostics);
      arrange(all, set.interval, false, checker);
      set.elements = std::move(all);
      return;
    }
}

/// Intervals with time-outs, which nothing but time changes.
void put_intervals(Set& set, uint64_t since_ns) {
  auto const left = [&](const Expression& one) {
    const Expression* const expires = one.argument("expires");
    const Expression* const said = expires != nullptr ? expires : one.argument("timeout");
    uint64_t const whole_ns = (said != nullptr ? static_cast<uint64_t>(said->number) : set.timeout_ms) * kMillisecond;
    return std::pair(whole_ns != 0, whole_ns - std::min(whole_ns, since_ns));
  };
  std::erase_if(set.elements, [&](const Expression& one) { return left(one) == std::pair(true, uint64_t{0}); });
  for (Expression& one : set.elements) {
    const Expression* const own = one.argument("timeout");
    uint64_t const timeout_ms = own != nullptr ? static_cast<uint64_t>(own->number) : set.timeout_ms;
    if (left(one).first) put_times(one, timeout_ms, left(one).second, set);
  }
}

}  // namespace

void put_state(Loaded& loaded, const StateWords& state, uint64_t now_ns) {
  // The program points into the ruleset beside it.
  for (const Counted& counted : loaded.program.counted)
    put_counts(*const_cast<Statement*>(counted.statement), counted.word, state);
  for (auto const& set : loaded.program.dynamic_sets)
    if (set->named != nullptr) put_elements(*set, loaded.ruleset, state, now_ns);
  uint64_t const start = loaded.program.start == Program::kNoWord ? 0 : state.get(loaded.program.start);
  for (Table& table : loaded.ruleset.tables)
    for (Set& set : table.sets)
      if (set.interval && set.timeouts && start != 0) put_intervals(set, now_ns - std::min(now_ns, start));
}

}  // namespace bulkhead::ruleset
