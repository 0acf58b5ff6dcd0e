#include "common/ruleset/compile/tracked.h"

#include <algorithm>

#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {
namespace {

bool tracks(const Statement& statement);

bool tracks(const Expression& expression) {
  if (expression.module != nullptr && expression.module->tracks) return true;
  return std::ranges::any_of(expression.parts, [](const Expression& part) { return tracks(part); }) ||
         std::ranges::any_of(expression.arguments, [](const Argument& one) { return tracks(one.value); }) ||
         std::ranges::any_of(expression.statements, [](const Statement& one) { return tracks(one); });
}

bool tracks(const Statement& statement) {
  return statement.module->tracks || std::ranges::any_of(statement.arguments, [](const Argument& one) { return tracks(one.value); });
}

bool tracks(const Table& table) {
  auto const statements = [](const std::vector<Statement>& all) { return std::ranges::any_of(all, [](const Statement& one) { return tracks(one); }); };
  for (const Object& object : table.objects)
    if (tracks(object.body)) return true;
  for (const Set& set : table.sets)
    if (statements(set.statements) || std::ranges::any_of(set.elements, [](const Expression& one) { return tracks(one); })) return true;
  for (const Chain& chain : table.chains)
    for (const Rule& rule : chain.rules)
      if (statements(rule.statements)) return true;
  return false;
}

}  // namespace

TrackedFamilies tracked_families(const Ruleset& ruleset) {
  TrackedFamilies all;
  for (const Table& table : ruleset.tables) {
    if (!tracks(table)) continue;
    bool const both = table.family == "inet" || table.family == "bridge";
    all.ip |= both || table.family == "ip";
    all.ip6 |= both || table.family == "ip6";
    all.bridge |= table.family == "bridge";
  }
  return all;
}

}  // namespace bulkhead::ruleset
