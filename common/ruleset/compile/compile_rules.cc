// common/ruleset/compile/compile_rules.cc: tables, chains, rules and statements of compile.h.
#include <algorithm>
#include <utility>

#include "common/ruleset/compile/choices.h"
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/compile/reach.h"
#include "common/ruleset/compile/resets.h"
#include "common/ruleset/compile/steady.h"
#include "common/ruleset/compile/tracked.h"
#include "common/ruleset/run/classifier.h"

namespace bulkhead::ruleset {

void Compiler::statement(const Statement& statement) {
  if (statement.module->compile != nullptr) return statement.module->compile(statement, *this);
  fail(statement.at, fmt::format("{}: not supported yet", statement.module->name));
}

/// The same thing is said once, though several rules ask for it.
void Compiler::keep_error() {
  if (!failed()) return;
  auto const same = [&](const Remark& other) { return other.text == error_.text && other.at.line == error_.at.line; };
  if (std::ranges::none_of(errors_, same)) errors_.push_back(error_);
  error_ = {};
}

void Compiler::rule(const Rule& rule, uint32_t chain) {
  auto const first = static_cast<uint32_t>(program_.steps.size());
  bool const others_edit = std::exchange(program_.edits, false);
  asked_ether_type_ = false;
  for (const Statement& one : rule.statements)
    if (!failed()) statement(one);
  keep_error();
  program_.chains[chain].edits |= program_.edits;
  program_.edits |= others_edit;
  auto const count = static_cast<uint32_t>(program_.steps.size()) - first;
  program_.rules.push_back({first, count, 0, chain, rule.handle, rule.at.line});
}

void Compiler::table(const Table& table) {
  table_ = &table;
  table_first_ = static_cast<uint32_t>(program_.chains.size());
  named_.clear();
  dynamic_.clear();
  filled_.clear();
  for (const Chain& chain : table.chains)
    for (const Rule& one : chain.rules)
      for (const Statement& statement : one.statements)
        if (statement.module->role == Role::update) filled_.insert(statement.argument("set")->text);
  for (const Chain& chain : table.chains) {
    CompiledChain made;
    made.family = table.family;
    made.table = table.name;
    made.name = chain.name;
    made.base = chain.base.has_value();
    if (made.base) {
      made.drops = chain.base->drop;
      made.priority = chain.base->priority;
    }
    program_.chains.push_back(std::move(made));
  }
  for (uint32_t i = 0; i < table.chains.size(); ++i) {
    uint32_t const index = table_first_ + i;
    program_.chains[index].first = static_cast<uint32_t>(program_.rules.size());
    for (const Rule& one : table.chains[i].rules) rule(one, index);
    program_.chains[index].count = static_cast<uint32_t>(program_.rules.size()) - program_.chains[index].first;
    if (table.chains[i].base && !table.dormant) hook(*table.chains[i].base, index);
  }
}

/// Of the chain's first rule.
Location place_of(const Ruleset& ruleset, const CompiledChain& chain) {
  for (const Table& table : ruleset.tables) {
    if (table.family != chain.family || table.name != chain.table) continue;
    const Chain* const found = find_named(table.chains, chain.name);
    if (found != nullptr && !found->rules.empty()) return found->rules.front().at;
  }
  return {};
}

std::optional<Program> compile(const Ruleset& ruleset, const Compiler::World& world, const Vocabulary& vocabulary, Remarks& remarks) {
  Program program;
  Compiler compiler(program, world, vocabulary);
  compiler.bridge_tracks_ = tracked_families(ruleset).bridge;
  for (const Table& table : ruleset.tables) compiler.table(table);
  if (compiler.errors_.empty()) compiler.place_sets();
  compiler.keep_error();
  remarks.errors = std::move(compiler.errors_);
  remarks.notes = std::move(compiler.notes_);
  auto const refuse = [&](std::string why, const Location& at = {}) {
    Remark& made = remarks.errors.emplace_back();
    made.at = at;
    made.text = std::move(why);
    return std::nullopt;
  };
  if (!remarks.errors.empty()) return std::nullopt;
  if (auto good = measure(program); !good) return refuse(good.error().message);
  // Conntrack would have to take a tuple out of what they leave.
  if (const CompiledChain* const chain = early_edit(program))
    return refuse(fmt::format("chain {}: rules that set header fields before conntrack are not supported yet", chain->name),
                  place_of(ruleset, *chain));
  // Which flow a packet is of is not known there yet.
  if (const CompiledChain* const chain = early_count(program))
    return refuse(fmt::format("chain {}: ct count before conntrack is not supported yet", chain->name), place_of(ruleset, *chain));
  program.early_orders = program.early && early_orders(program);
  program.early_shares = program.early && early_shares(program);
  program.resets = resets_of(program);
  program.choices = choices_of(program);
  classify(program);
  mark_steady(program);
  return program;
}

}  // namespace bulkhead::ruleset
