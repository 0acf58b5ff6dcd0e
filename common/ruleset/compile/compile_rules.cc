// common/ruleset/compile/compile_rules.cc: tables, chains, rules and statements of compile.h.
#include <utility>

#include "common/ruleset/compile/choices.h"
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/compile/reach.h"
#include "common/ruleset/compile/resets.h"
#include "common/ruleset/compile/steady.h"
#include "common/ruleset/run/classifier.h"

namespace bulkhead::ruleset {
namespace {

constexpr int32_t kConntrack = -200, kNatDestination = -100, kNatSource = 100;  // NF_IP_PRI_*

/// At which hooks the source is translated, not the destination.
bool is_source(std::string_view hook) { return hook == "input" || hook == "postrouting"; }

}  // namespace

void Compiler::statement(const Statement& statement) {
  if (statement.module->compile != nullptr) return statement.module->compile(statement, *this);
  fail(statement.at, fmt::format("{}: not supported yet", statement.module->name));
}

Compiler::Stateful Compiler::stateful(const Statement& statement, size_t count) {
  Stateful made{&statement, 0};
  if (const Expression* const name = statement.argument("name")) {
    if (body_ != nullptr) {
      fail(name->at, fmt::format("{} \"{}\": elements have statements of their own only", statement.module->name, name->text));
      made.body = nullptr;
      return made;
    }
    made.body = object(statement.module->object_name, *name, made.word, count);
    return made;
  }
  made.word = words(std::vector<uint64_t>(count));
  counts(statement, made.word);
  return made;
}

const Statement* Compiler::object(std::string_view kind, const Expression& name, uint32_t& word, size_t count) {
  for (const Object& object : table_->objects) {
    if (object.name != name.text || object.body.module->object_name != kind) continue;
    auto const [place, fresh] = objects_.try_emplace(&object.body, 0);
    if (fresh) {
      place->second = words(std::vector<uint64_t>(count));
      counts(object.body, place->second);
    }
    word = place->second;
    return &object.body;
  }
  fail(name.at, fmt::format("{} \"{}\": not supported yet", kind, name.text));
  return nullptr;
}

void Compiler::rule(const Rule& rule, uint32_t chain) {
  auto const first = static_cast<uint32_t>(program_.steps.size());
  bool const others_edit = std::exchange(program_.edits, false);
  for (const Statement& one : rule.statements)
    if (!failed()) statement(one);
  program_.chains[chain].edits |= program_.edits;
  program_.edits |= others_edit;
  auto const count = static_cast<uint32_t>(program_.steps.size()) - first;
  program_.rules.push_back({first, count, 0, chain, rule.handle, rule.at.line});
}

/// Of the same priority the one that was added last comes first.
void Compiler::insert(std::vector<uint32_t>& chains, uint32_t chain, int32_t priority, bool source) const {
  auto const place = std::ranges::find_if(chains, [&](uint32_t other) {
    int32_t const there = other == kNatPoint ? (source ? kNatSource : kNatDestination) : program_.chains[other].priority;
    return there >= priority;
  });
  chains.insert(place, chain);
}

void Compiler::hook(const Base& base, const std::string& family, uint32_t chain) {
  auto const name = std::ranges::find(kHookNames, base.hook);
  if (name == kHookNames.end()) return;  // of another family: no packet of ours meets it
  auto const hook = static_cast<size_t>(name - kHookNames.begin());
  bool const nat = base.type == "nat";
  // A chain of conntrack's own priority was added later, so it runs first.
  program_.chains[chain].early = !nat && base.priority <= kConntrack && (base.hook == "prerouting" || base.hook == "output");
  program_.early |= program_.chains[chain].early && base.hook == "prerouting";
  program_.translates |= nat;
  for (size_t side = 0; side < 2; ++side) {
    if ((family == "ip" && side != 0) || (family == "ip6" && side != 1)) continue;
    insert((nat ? program_.nat : program_.hooks)[hook][side], chain, base.priority, is_source(base.hook));
    // The first chain of type nat brings all four points, each at its own priority whatever the chain says.
    for (size_t at = 0; nat && at < kHookNames.size(); ++at) {
      auto& chains = program_.hooks[at][side];
      bool const source = is_source(kHookNames[at]);
      if (kHookNames[at] == "forward" || std::ranges::find(chains, kNatPoint) != chains.end()) continue;
      insert(chains, kNatPoint, source ? kNatSource : kNatDestination, source);
    }
  }
}

void Compiler::table(const Table& table) {
  table_ = &table;
  table_first_ = static_cast<uint32_t>(program_.chains.size());
  named_.clear();
  dynamic_.clear();
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
  for (uint32_t i = 0; i < table.chains.size() && !failed(); ++i) {
    uint32_t const index = table_first_ + i;
    program_.chains[index].first = static_cast<uint32_t>(program_.rules.size());
    for (const Rule& one : table.chains[i].rules) rule(one, index);
    program_.chains[index].count = static_cast<uint32_t>(program_.rules.size()) - program_.chains[index].first;
    bool const routed = table.family == "ip" || table.family == "ip6" || table.family == "inet";
    if (table.chains[i].base && routed && !table.dormant) hook(*table.chains[i].base, table.family, index);
  }
}

/// A chain that would see fragments, which the kernel puts together at that priority (NF_IP_PRI_CONNTRACK_DEFRAG); null: none.
const CompiledChain* before_reassembly(const Program& program) {
  constexpr int32_t kReassembly = -400;
  for (const auto& chains : program.hooks[static_cast<size_t>(At::prerouting)])
    for (uint32_t const chain : chains)
      if (chain != kNatPoint && program.chains[chain].priority <= kReassembly) return &program.chains[chain];
  return nullptr;
}

Result<Program> compile(const Ruleset& ruleset, const Compiler::World& world, const Vocabulary& vocabulary) {
  Program program;
  Compiler compiler(program, world, vocabulary);
  for (const Table& table : ruleset.tables)
    if (!compiler.failed()) compiler.table(table);
  if (!compiler.failed()) compiler.place_sets();
  if (compiler.failed()) return tl::unexpected(compiler.error());
  if (auto good = measure(program); !good) return tl::unexpected(good.error());
  if (const CompiledChain* const chain = before_reassembly(program))
    return bulkhead::fail("chain {}: prerouting at priority -400 or below sees fragments, and ours are put together before any hook: not supported yet",
                          chain->name);
  // Conntrack would have to take a tuple out of what they leave.
  if (const CompiledChain* const chain = early_edit(program))
    return bulkhead::fail("chain {}: rules that set header fields before conntrack are not supported yet", chain->name);
  program.early_orders = program.early && early_orders(program);
  program.early_shares = program.early && early_shares(program);
  program.resets = resets_of(program);
  program.choices = choices_of(program);
  classify(program);
  mark_steady(program);
  return program;
}

}  // namespace bulkhead::ruleset