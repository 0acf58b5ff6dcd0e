// common/ruleset/check/places.cc: whether what a base chain gets to, by jumps and maps too, may run where that is hooked.
#include "common/ruleset/check/transaction.h"

namespace bulkhead::ruleset {
namespace {

uint8_t bit_of_hook(std::string_view hook) {
  constexpr std::pair<std::string_view, Hook> kHooks[] = {{"prerouting", prerouting}, {"input", input}, {"forward", forward},
    {"output", output}, {"postrouting", postrouting}, {"ingress", ingress}, {"egress", egress}};
  for (auto const& [name, bit] : kHooks)
    if (name == hook) return bit;
  return 0;
}

/// The rules of one base chain, and of the chains that they go to.
class Place {
 public:
  Place(const Table& table, const Base& base) : table_(table), nat_(base.type == "nat"), hook_(bit_of_hook(base.hook)) {}

  bool chain(const Chain& chain) {
    if (!seen_.insert(&chain).second) return true;
    return std::ranges::all_of(chain.rules, [&](const Rule& one) { return rule(one); });
  }
  bool rule(const Rule& rule) {
    return std::ranges::all_of(rule.statements, [&](const Statement& one) { return statement(one); });
  }

 private:
  bool statement(const Statement& statement) {
    const Module& module = *statement.module;
    uint8_t const hooks = table_.family == "bridge" ? module.bridge_hooks & module.hooks : module.hooks;
    if ((hooks & hook_) == 0 || (module.translates && !nat_)) return false;
    if (module.form == Form::target && !target(*statement.argument("target"))) return false;
    return std::ranges::all_of(statement.arguments, [&](const Argument& one) {
      return expression(one.value, module.role == Role::mangle && one.name == "key");
    });
  }

  bool expression(const Expression& value, bool set) {
    if (value.is(Kind::select) && !select(value, set)) return false;
    if (value.is(Kind::verdict) && !value.parts.empty() && !target(value.parts[0])) return false;
    if (value.is(Kind::reference))
      if (const Set* const named = find_named(table_.sets, value.text))
        for (const Expression& element : named->elements)
          if (!expression(element, false)) return false;
    for (const Statement& one : value.statements)
      if (!statement(one)) return false;
    return std::ranges::all_of(value.parts, [&](const Expression& part) { return expression(part, false); });
  }

  [[nodiscard]] bool select(const Expression& select, bool set) const {
    const Module& module = *select.module;
    uint8_t const own = module.asked_in != nullptr ? module.asked_in(select) : set ? select.key->set_hooks : select.key->hooks;
    return (module.hooks & own & hook_) != 0;
  }

  bool target(const Expression& name) {
    const Chain* const next = find_named(table_.chains, name.text);
    return next == nullptr || chain(*next);
  }

  const Table& table_;
  bool nat_;
  uint8_t hook_;
  std::set<const Chain*> seen_;
};

}  // namespace

void Transaction::places(const Table& table) {
  for (const Chain& chain : table.chains) {
    if (!chain.base) continue;
    Place place(table, *chain.base);
    for (const Rule& rule : chain.rules)
      if (!place.rule(rule)) return error(rule.at, kUnsupported);
  }
}

}  // namespace bulkhead::ruleset
