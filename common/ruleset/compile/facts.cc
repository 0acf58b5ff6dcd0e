#include "common/ruleset/compile/facts.h"

#include "common/ruleset/compile/tracked.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::ruleset {
namespace {

void add_own(std::vector<AddressRange>& ranges, const Topology& topology) {
  for (const auto& interface : topology.interfaces)
    for (const Prefix& own : interface.addresses) ranges.push_back({own.address, own.address});
}

}  // namespace

Compiler::World world_of(std::span<const std::string> interfaces, const Topology& topology, uint64_t seed) {
  Compiler::World world;
  world.wiring = topology.is_router() ? Wiring::router : Wiring::bridge;
  for (size_t i = 0; i < interfaces.size(); ++i) world.interfaces[interfaces[i]] = static_cast<uint32_t>(i + 1);
  world.interfaces.try_emplace("lo", kLoopback);
  world.seed = seed;
  return world;
}

Facts facts_of(const Loaded& loaded, const Topology& topology) {
  const Program& program = loaded.program;
  Facts facts;
  Style style;
  style.label_numbers = true;
  facts.text = list_ruleset(loaded.ruleset, style);
  facts.words = program.words;
  facts.changes = program.changes;
  facts.marks = program.flow_marks;
  facts.labels = program.flow_labels;
  facts.timeouts = program.timeouts;
  facts.counts = program.counts;
  facts.sets_zones = program.sets_zones && program.early;
  facts.views = program.flow_views;
  facts.translates = program.translates;
  facts.early = program.early;
  facts.pieces = program.pieces;
  TrackedFamilies const tracked = tracked_families(loaded.ruleset);
  facts.reassembles = {tracked.ip, tracked.ip6};
  facts.copies = program.copies;
  facts.sets_tuples = program.sets_tuples;
  facts.shows_choices = program.choices != Choices::none;
  facts.resets = program.resets;
  for (size_t part = 0; part < facts.may_become.size(); ++part) {
    for (const auto& [low, high] : program.may_become[part]) facts.may_become[part].push_back({low, high});
    if (program.may_become_local[part]) add_own(facts.may_become[part], topology);
  }
  for (const CompiledRule& rule : program.rules) {
    const CompiledChain& chain = program.chains[rule.chain];
    facts.rules.push_back({chain.family, chain.table, chain.name, rule.handle});
  }
  return facts;
}

Result<std::unique_ptr<Loaded>> load_again(const Facts& facts, const Compiler::World& world) {
  if (facts.text.empty()) return nullptr;
  auto loaded = load("ruleset", facts.text, world);
  if (!loaded) return tl::unexpected(loaded.error());
  const Program& program = (*loaded)->program;
  if (program.words != facts.words || program.changes != facts.changes || program.rules.size() != facts.rules.size())
    return fail("the ruleset has {} rules, {} words of state and changes {} of them, the settings say {}, {} and {}",
                program.rules.size(), program.words, program.changes, facts.rules.size(), facts.words, facts.changes);
  return loaded;
}

}  // namespace bulkhead::ruleset
