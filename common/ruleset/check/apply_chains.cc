// common/ruleset/check/apply_chains.cc: chains, where they are hooked, and that jumps between them end.
#include "common/base/near_miss.h"
#include "common/ruleset/check/transaction.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::ruleset {
namespace {

constexpr size_t kMostJumps = 16;

bool among(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

constexpr std::string_view kTypes[] = {"filter", "nat", "route"};
constexpr std::string_view kHookWords[] = {"prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"};

bool among_words(std::string_view word, std::span<const std::string_view> list) { return std::ranges::find(list, word) != list.end(); }

bool hook_fits(std::string_view family, std::string_view type, std::string_view hook) {
  if (family == "netdev") return type == "filter" && among(hook, {"ingress", "egress"});
  if (family == "arp") return type == "filter" && among(hook, {"input", "output"});
  if (family == "bridge") return type == "filter" && among(hook, {"prerouting", "input", "forward", "output", "postrouting"});
  if (type == "nat") return among(hook, {"prerouting", "input", "output", "postrouting"});
  if (type == "route") return hook == "output";
  if (hook == "ingress") return family == "inet";
  return among(hook, {"prerouting", "input", "forward", "output", "postrouting"});
}

/// Chains that a list of statements or elements may go to.
void each_target(const Expression& expression, const std::function<void(const Expression&)>& found) {
  if (expression.is(Kind::verdict) && !expression.parts.empty()) found(expression.parts[0]);
  for (const Expression& part : expression.parts) each_target(part, found);
}

bool in_use(const Table& table, const std::string& chain) {
  bool used = false;
  auto const look = [&](const Expression& target) { used = used || target.text == chain; };
  for (const Chain& one : table.chains)
    for (const Rule& rule : one.rules)
      for (const Statement& statement : rule.statements) {
        if (statement.module->form == Form::target) look(*statement.argument("target"));
        for (const Argument& argument : statement.arguments) each_target(argument.value, look);
      }
  for (const Set& set : table.sets)
    for (const Expression& element : set.elements) each_target(element, look);
  return used;
}

}  // namespace

void Transaction::chain(Command& command) {
  Table* const table = table_of(command);
  if (table == nullptr) return;
  if (removes(command)) return remove_chain(*table, command);
  if (command.operation == Operation::flush) {
    if (Chain* const there = find_in(table->chains, command)) clear_rules(*table, *there);
    return;
  }
  if (command.operation == Operation::rename) return rename_chain(*table, command);
  if (command.base && !base(command)) return;
  if (!command.policy.text.empty() && !among(command.policy.text, {"accept", "drop"}))
    return error(command.policy.at, fmt::format("syntax error, unexpected {}, expecting accept or drop", command.policy.text));
  Chain* const there = find_named(table->chains, command.name.text);
  if (there != nullptr) change_chain(*there, command);
  else add_chain(*table, command);
}

void Transaction::rename_chain(Table& table, const Command& command) {
  Chain* const there = find_in(table.chains, command);
  if (there == nullptr) return;
  if (find_named(table.chains, command.second.text) != nullptr) return error(command.second.at, kExists);
  there->name = command.second.text;
}

void Transaction::change_chain(Chain& there, const Command& command) {
  if (command.operation == Operation::create) return error(command.name.at, kExists);
  auto const same_place = [](const Base& one, const Base& other) {
    return one.hook == other.hook && one.type == other.type && one.priority == other.priority;
  };
  if (command.base && (!there.base || !same_place(*there.base, *command.base)))
    return error(command.name.at, there.base ? kExists : kUnsupported);
  if (there.base && !command.policy.text.empty()) there.base->drop = command.policy.text == "drop";
}

void Transaction::add_chain(Table& table, Command& command) {
  if (command.name.text.size() > 255) return error(command.name.at, "chain name too long");
  Chain made;
  made.name = command.name.text;
  made.comment = command.comment;
  made.base = command.base;
  made.handle = table.next_handle++;
  if (!command.policy.text.empty() && !made.base) error(command.policy.at, kUnsupported);
  if (made.base) made.base->drop = command.policy.text == "drop";
  table.chains.push_back(std::move(made));
}

bool Transaction::base(Command& command) {
  Base& base = *command.base;
  size_t const errors = diagnostics_.count();
  if (!among_words(base.type, kTypes)) error(command.type_at.at, "unknown chain type" + did_you_mean(base.type, kTypes));
  else if (!among_words(base.hook, kHookWords)) error(command.hook_at.at, "unknown chain hook" + did_you_mean(base.hook, kHookWords));
  else if (base.type != "filter" && (!among(command.family, {"ip", "ip6", "inet"})))
    error(command.type_at.at, "Could not process rule: No such file or directory");
  else if (!hook_fits(command.family, base.type, base.hook))
    error(command.name.at, "Could not process rule: Operation not supported");
  take_priority(command, command.family, base.hook, base.priority);
  if (base.type == "nat" && base.priority <= -200) error(command.name.at, kUnsupported);
  for (const Expression& device : command.devices) {
    const Expression& name = device.is(Kind::element) ? device.parts[0] : device;
    if (name.text.empty() || name.text.size() > 15) error(name.at, "invalid device name");
  }
  base.devices = sorted_devices(command);
  bool const needs_device = command.family == "netdev" || base.hook == "ingress";
  bool const text = command.base_at.known();  // nft's JSON lists no device
  if (text && needs_device && base.devices.empty()) error(command.base_at, "Missing `device' in this chain definition");
  if (!needs_device && !base.devices.empty()) error(command.name.at, kUnsupported);
  return diagnostics_.count() == errors;
}

void Transaction::remove_chain(Table& table, const Command& command) {
  Chain* const there = find_in(table.chains, command);
  if (there == nullptr) return;
  if (in_use(table, there->name)) return error(command.name.at, kBusy);
  table.chains.erase(table.chains.begin() + (there - table.chains.data()));
}

/// Depth of jumps below a chain; the kernel allows 16.
void Transaction::walk(const Table& table, const Chain& chain, std::map<std::string_view, size_t>& deepest, size_t depth) {
  if (auto const seen = deepest.find(chain.name); seen != deepest.end() && seen->second >= depth + 1) return;
  deepest[chain.name] = depth + 1;
  for (const Rule& rule : chain.rules) {
    auto const visit = [&](const Expression& target) {
      const Chain* const next = find_named(table.chains, target.text);
      if (next == nullptr) return;
      if (next->base) return error(target.at, kUnsupported);
      if (depth + 1 >= kMostJumps) {
        if (!looped_) error(last_rule_.known() ? last_rule_ : rule.at, "Could not process rule: Too many links");
        looped_ = true;
        return;
      }
      if (!looped_) walk(table, *next, deepest, depth + 1);
    };
    for (const Statement& statement : rule.statements) {
      if (statement.module->form == Form::target) visit(*statement.argument("target"));
      for (const Argument& argument : statement.arguments) {
        each_target(argument.value, visit);
        if (argument.value.is(Kind::reference))
          if (const Set* const set = find_named(table.sets, argument.value.text))
            for (const Expression& element : set->elements) each_target(element, visit);
      }
    }
  }
}

}  // namespace bulkhead::ruleset
