#include "common/ruleset/write/shown.h"

#include <algorithm>

namespace bulkhead::ruleset {
namespace {

template <class Thing, class Wanted>
void take(std::vector<const Thing*>& into, const std::vector<Thing>& things, const std::string& name, Wanted wanted) {
  for (const Thing& one : things)
    if (wanted(one) && (name.empty() || one.name == name)) into.push_back(&one);
}

constexpr auto kAny = [](auto const&) { return true; };

void take_things(Shown& shown, const Command& list) {
  const Table& table = *shown.table;
  const std::string& name = list.name.text;
  switch (list.thing) {
    case Thing::chain: case Thing::chains: return take(shown.chains, table.chains, name, kAny);
    case Thing::set: case Thing::sets: return take(shown.sets, table.sets, name, [](const Set& one) { return !one.map; });
    case Thing::map: case Thing::maps: return take(shown.sets, table.sets, name, [](const Set& one) { return one.map; });
    case Thing::meter: case Thing::meters: return take(shown.sets, table.meters, name, kAny);
    case Thing::flowtable: case Thing::flowtables: return take(shown.flowtables, table.flowtables, name, kAny);
    case Thing::object: case Thing::objects:
      return take(shown.objects, table.objects, name, [&](const Object& one) { return one.body.module == list.module; });
    default: return;
  }
}

}  // namespace

Shown whole(const Table& table) {
  Shown all{.table = &table, .whole = true, .rules = true, .objects = {}, .sets = {}, .flowtables = {}, .chains = {}};
  take(all.objects, table.objects, {}, kAny);
  take(all.sets, table.sets, {}, kAny);
  take(all.flowtables, table.flowtables, {}, kAny);
  take(all.chains, table.chains, {}, kAny);
  return all;
}

std::vector<Shown> shown(const Ruleset& ruleset, const Command& list) {
  std::vector<Shown> all;
  if (list.thing == Thing::hooks) return all;
  // As nft: `list sets table ip t` are those of each table of that family.
  bool const any_table = list.table.text.empty() || list.thing == Thing::sets;
  bool const objects = list.thing == Thing::object || list.thing == Thing::objects;
  for (const Table& table : ruleset.tables) {
    if (!list.family.empty() && table.family != list.family) continue;
    if (!any_table && table.name != list.table.text) continue;
    if (objects && table.objects.empty()) continue;
    if (list.thing == Thing::ruleset || list.thing == Thing::table) {
      all.push_back(whole(table));
      continue;
    }
    Shown some;
    some.table = &table;
    some.rules = list.thing == Thing::chain;
    take_things(some, list);
    if (list.operation == Operation::reset && some.objects.empty()) continue;
    all.push_back(std::move(some));
  }
  return all;
}

}  // namespace bulkhead::ruleset
