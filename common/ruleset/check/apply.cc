#include "common/ruleset/check/apply.h"

#include <algorithm>
#include <functional>

#include "common/ruleset/check/checker.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::ruleset {
namespace {

constexpr const char* kMissing = "No such file or directory";
constexpr const char* kExists = "Could not process rule: File exists";
constexpr const char* kBusy = "Could not process rule: Device or resource busy";
constexpr const char* kUnsupported = "Could not process rule: Operation not supported";
constexpr size_t kMostJumps = 16;

bool among(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

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

size_t anonymous_sets(const Expression& expression) {
  size_t count = expression.is(Kind::set) ? 1 : 0;
  for (const Expression& part : expression.parts) count += anonymous_sets(part);
  return count;
}

class Transaction {
 public:
  Transaction(Ruleset& ruleset, const Registry& registry, Diagnostics& diagnostics, Applied* applied)
      : ruleset_(ruleset), registry_(registry), diagnostics_(diagnostics), applied_(applied) {}

  void run(Command& command) {
    if (command.operation == Operation::list || command.operation == Operation::reset) {
      if (applied_ != nullptr) applied_->listings.push_back(command);
      return;
    }
    switch (command.thing) {
      case Thing::table: return table(command);
      case Thing::chain: return chain(command);
      case Thing::rule: return rule(command);
      case Thing::set: case Thing::map: return set(command);
      case Thing::element: return elements(command);
      case Thing::object: return object(command);
      case Thing::flowtable: return flowtable(command);
      case Thing::ruleset: return flush_ruleset(command);
      default: error(command.at, "syntax error, unexpected keyword");
    }
  }

  /// What only the whole can tell: loops.
  void finish() {
    for (const Table& table : ruleset_.tables) {
      std::map<std::string_view, size_t> depths;
      for (const Chain& chain : table.chains)
        if (chain.base) walk(table, chain, depths, 0);
    }
  }

 private:
  void error(const Location& at, std::string reason) { diagnostics_.error(at, std::move(reason)); }
  [[nodiscard]] static bool removes(const Command& command) {
    return command.operation == Operation::remove || command.operation == Operation::destroy;
  }

  Table* find_table(const Command& command, bool quiet = false) {
    for (Table& table : ruleset_.tables)
      if (table.family == command.family && (command.handle != 0 && command.table.text.empty() ? table.handle == command.handle : table.name == command.table.text))
        return &table;
    if (!quiet) error(command.table.at.known() ? command.table.at : command.handle_at, kMissing);
    return nullptr;
  }

  /// By name or handle; says so if it is not there and should be.
  template <class Thing>
  Thing* find_in(std::vector<Thing>& list, const Command& command) {
    for (Thing& one : list)
      if (command.name.text.empty() ? one.handle == command.handle : one.name == command.name.text) return &one;
    if (command.operation != Operation::destroy) error(command.name.at.known() ? command.name.at : command.handle_at, kMissing);
    return nullptr;
  }

  void table(Command& command) {
    Table* const there = find_table(command, command.operation != Operation::remove && command.operation != Operation::flush);
    if (removes(command)) {
      if (there != nullptr) ruleset_.tables.erase(ruleset_.tables.begin() + (there - ruleset_.tables.data()));
      return;
    }
    if (command.operation == Operation::flush) {
      if (there != nullptr)
        for (Chain& one : there->chains) one.rules.clear();
      return;
    }
    if (command.table.text.size() > 255) return error(command.table.at, "table name too long");
    if (there != nullptr && command.operation == Operation::create) return error(command.table.at, kExists);
    Table made;
    Table& table = there != nullptr ? *there : made;
    bool dormant = false;
    for (const Name& flag : command.flags) {
      if (flag.text == "dormant") dormant = true;
      else error(flag.at, "unknown table option");
    }
    table.dormant = dormant;
    if (there != nullptr) return;
    made.family = command.family;
    made.name = command.table.text;
    made.comment = command.comment;
    made.handle = ruleset_.next_handle++;
    ruleset_.tables.push_back(std::move(made));
  }

  void chain(Command& command) {
    Table* const table = find_table(command, command.operation == Operation::destroy);
    if (table == nullptr) return;
    if (removes(command)) return remove_chain(*table, command);
    if (command.operation == Operation::flush) {
      if (Chain* const there = find_in(table->chains, command)) there->rules.clear();
      return;
    }
    if (command.operation == Operation::rename) {
      Chain* const there = find_in(table->chains, command);
      if (there == nullptr) return;
      if (find_named(table->chains, command.second.text) != nullptr) return error(command.second.at, kExists);
      there->name = command.second.text;
      return;
    }
    if (command.base && !base(command)) return;
    if (!command.policy.text.empty() && !among(command.policy.text, {"accept", "drop"}))
      return error(command.policy.at, fmt::format("syntax error, unexpected {}, expecting accept or drop", command.policy.text));
    if (Chain* const there = find_named(table->chains, command.name.text)) {
      if (command.operation == Operation::create) return error(command.name.at, kExists);
      if (command.base && (!there->base || there->base->hook != command.base->hook || there->base->type != command.base->type || there->base->priority != command.base->priority))
        return error(command.name.at, there->base ? kExists : kUnsupported);
      if (there->base && !command.policy.text.empty()) there->base->drop = command.policy.text == "drop";
      return;
    }
    if (command.name.text.size() > 127) return error(command.name.at, "chain name too long");
    Chain made;
    made.name = command.name.text;
    made.comment = command.comment;
    made.base = command.base;
    made.handle = table->next_handle++;
    if (!command.policy.text.empty() && !made.base) error(command.policy.at, kUnsupported);
    if (made.base) made.base->drop = command.policy.text == "drop";
    table->chains.push_back(std::move(made));
  }

  bool base(Command& command) {
    Base& base = *command.base;
    size_t const errors = diagnostics_.count();
    if (!among(base.type, {"filter", "nat", "route"})) error(command.type_at.at, "unknown chain type");
    else if (!among(base.hook, {"prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"}))
      error(command.hook_at.at, "unknown chain hook");
    else if (base.type != "filter" && (!among(command.family, {"ip", "ip6", "inet"})))
      error(command.type_at.at, "Could not process rule: No such file or directory");
    else if (!hook_fits(command.family, base.type, base.hook))
      error(command.name.at, "Could not process rule: Operation not supported");
    int64_t number = command.priority.number;
    if (!command.priority.name.text.empty()) {
      auto const named = priority_number(command.family, base.hook, command.priority.name.text);
      if (!named) error(command.priority.at, "invalid priority expression value in this context.");
      else number += *named;
    }
    base.priority = static_cast<int32_t>(number);
    if (base.type == "nat" && base.priority <= -200) error(command.name.at, kUnsupported);
    for (const Expression& device : command.devices) {
      const Expression& name = device.is(Kind::element) ? device.parts[0] : device;
      if (name.text.empty() || name.text.size() > 15) error(name.at, "invalid device name");
      base.devices.push_back(name.text);
    }
    std::ranges::sort(base.devices);
    bool const needs_device = command.family == "netdev" || base.hook == "ingress";
    if (!needs_device && !base.devices.empty()) error(command.name.at, kUnsupported);
    return diagnostics_.count() == errors;
  }

  void remove_chain(Table& table, Command& command) {
    Chain* const there = find_in(table.chains, command);
    if (there == nullptr) return;
    if (!there->rules.empty() || in_use(table, there->name)) return error(command.name.at, kBusy);
    table.chains.erase(table.chains.begin() + (there - table.chains.data()));
  }

  [[nodiscard]] static bool in_use(const Table& table, const std::string& chain) {
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

  [[nodiscard]] static bool mentions(const Expression& expression, const std::string& set) {
    if (expression.is(Kind::reference) && expression.text == set) return true;
    return std::ranges::any_of(expression.parts, [&](const Expression& part) { return mentions(part, set); });
  }

  void rule(Command& command) {
    Table* const table = find_table(command, command.operation == Operation::destroy);
    if (table == nullptr) return;
    Chain* const chain = find_named(table->chains, command.name.text);
    if (chain == nullptr) return error(command.name.at, kMissing);
    auto position = chain->rules.end();
    uint64_t const handle = command.handle != 0 ? command.handle : command.position;
    if (handle != 0) {
      position = std::ranges::find_if(chain->rules, [&](const Rule& one) { return one.handle == handle; });
      if (position == chain->rules.end()) {
        if (command.operation == Operation::destroy) return;
        return error(command.handle_at, "Could not process rule: No such file or directory");
      }
    } else if (command.index) {
      if (*command.index >= chain->rules.size()) return error(command.handle_at, kMissing);
      position = chain->rules.begin() + static_cast<std::ptrdiff_t>(*command.index);
    }
    bool const found = position != chain->rules.end();
    if (removes(command)) {
      if (found) chain->rules.erase(position);
      else error(command.at, "syntax error, unexpected newline, expecting handle");
      return;
    }
    if (command.operation == Operation::replace && !found) return error(command.at, "syntax error, expecting handle");
    Checker checker(*table, registry_, diagnostics_);
    Rule made = std::move(command.rule);
    if (made.statements.empty()) return error(command.at, "syntax error, unexpected newline");
    if (!checker.rule(made, *chain)) return;
    for (const Statement& statement : made.statements)
      for (const Argument& argument : statement.arguments) table->next_handle += anonymous_sets(argument.value);
    mark_dynamic(*table, made);
    last_rule_ = made.at;
    made.handle = table->next_handle++;
    if (command.operation == Operation::replace) *position = std::move(made);
    else if (command.operation == Operation::insert) chain->rules.insert(found ? position : chain->rules.begin(), std::move(made));
    else chain->rules.insert(found ? position + 1 : position, std::move(made));
  }

  /// A set that rules fill is dynamic, and has a size.
  static void mark_dynamic(Table& table, const Rule& rule) {
    for (const Statement& statement : rule.statements) {
      const Expression* const named = statement.module->name == "set" ? statement.argument("set") : nullptr;
      Set* const set = named == nullptr ? nullptr : find_named(table.sets, named->text);
      if (set == nullptr) continue;
      set->dynamic = true;
      if (set->size == 0) set->size = 65535;
    }
  }

  void set(Command& command) {
    Table* const table = find_table(command, command.operation == Operation::destroy);
    if (table == nullptr) return;
    if (removes(command) || command.operation == Operation::flush) {
      Set* const there = find_in(table->sets, command);
      if (there == nullptr) return;
      if (command.operation == Operation::flush) return there->elements.clear();
      if (set_in_use(*table, there->name)) return error(command.name.at, kBusy);
      table->sets.erase(table->sets.begin() + (there - table->sets.data()));
      return;
    }
    Checker checker(*table, registry_, diagnostics_);
    if (Set* const there = find_named(table->sets, command.name.text)) {
      if (command.operation == Operation::create || there->map != command.set.map) error(command.name.at, kExists);
      return;
    }
    if (!checker.set(command.set)) return;
    command.set.handle = table->next_handle++;
    if (command.set.dynamic && command.set.size == 0) command.set.size = 65535;
    table->sets.push_back(std::move(command.set));
  }

  [[nodiscard]] static bool set_in_use(const Table& table, const std::string& name) {
    for (const Chain& chain : table.chains)
      for (const Rule& rule : chain.rules)
        for (const Statement& statement : rule.statements)
          for (const Argument& argument : statement.arguments)
            if (mentions(argument.value, name)) return true;
    return false;
  }

  void elements(Command& command) {
    Table* const table = find_table(command);
    if (table == nullptr) return;
    Set* const set = find_in(table->sets, command);
    if (set == nullptr) return;
    Checker checker(*table, registry_, diagnostics_);
    std::vector<Expression> given = std::move(command.set.elements);
    if (!checker.elements(*set, given)) return;
    if (removes(command)) return remove_elements(*set, given, command.operation == Operation::destroy);
    bool const fresh = command.operation == Operation::create;
    // What is there twice goes when the elements are sorted; only what stays unsorted must be looked for one by one.
    bool const unsorted = set->key.size() > 1 && set->interval;
    if (!fresh && !unsorted) std::ranges::move(given, std::back_inserter(set->elements));
    if (!fresh && !unsorted) given.clear();
    for (Expression& element : given) {
      auto const there = std::ranges::find_if(set->elements, [&](const Expression& one) { return same_element(one, element); });
      if (there != set->elements.end() && fresh) error(element.at, kExists);
      else if (there == set->elements.end() || set->interval || set->map) set->elements.push_back(std::move(element));
    }
    arrange(set->elements, set->interval, set->auto_merge, checker);
    if (set->size != 0 && set->elements.size() > set->size) error(command.at, "Could not process rule: Too many open files in system");
  }

  [[nodiscard]] static bool same_element(const Expression& left, const Expression& right) {
    const Expression& one = left.parts[0];
    const Expression& other = right.parts[0];
    if (one.is(Kind::concat) != other.is(Kind::concat)) return false;
    if (!one.is(Kind::concat)) return same(one, other);
    return std::ranges::equal(one.parts, other.parts, same);
  }

  void remove_elements(Set& set, const std::vector<Expression>& given, bool quiet) {
    for (const Expression& element : given) {
      auto const there = std::ranges::find_if(set.elements, [&](const Expression& one) { return same_element(one, element); });
      if (there != set.elements.end()) set.elements.erase(there);
      else if (!quiet) error(element.at, set.interval ? "element does not exist" : "Could not process rule: No such file or directory");
    }
  }

  void object(Command& command) {
    Table* const table = find_table(command, command.operation == Operation::destroy);
    if (table == nullptr) return;
    auto const there = std::ranges::find_if(table->objects, [&](const Object& one) {
      return one.body.module == command.module && (command.name.text.empty() ? one.handle == command.handle : one.name == command.name.text);
    });
    bool const found = there != table->objects.end();
    if (removes(command)) {
      if (!found && command.operation == Operation::remove) error(command.name.at, kMissing);
      if (found) table->objects.erase(there);
      return;
    }
    if (found) {
      if (command.operation == Operation::create) error(command.name.at, kExists);
      return;
    }
    Checker checker(*table, registry_, diagnostics_);
    if (!checker.body(command.object.body)) return;
    command.object.handle = table->next_handle++;
    table->objects.push_back(std::move(command.object));
  }

  void flowtable(Command& command) {
    Table* const table = find_table(command, command.operation == Operation::destroy);
    if (table == nullptr) return;
    if (removes(command)) {
      if (Flowtable* const there = find_in(table->flowtables, command))
        table->flowtables.erase(table->flowtables.begin() + (there - table->flowtables.data()));
      return;
    }
    if (find_named(table->flowtables, command.name.text) != nullptr) {
      if (command.operation == Operation::create) error(command.name.at, kExists);
      return;
    }
    Flowtable made = std::move(command.flowtable);
    if (command.hook_at.text != "ingress") return error(command.hook_at.at.known() ? command.hook_at.at : command.at, "unknown chain hook");
    int64_t number = command.priority.number;
    if (!command.priority.name.text.empty()) {
      auto const named = priority_number("netdev", "ingress", command.priority.name.text);
      if (!named) return error(command.priority.at, "invalid priority expression value in this context.");
      number += *named;
    }
    made.priority = static_cast<int32_t>(number);
    for (const Expression& device : command.devices) made.devices.push_back((device.is(Kind::element) ? device.parts[0] : device).text);
    std::ranges::sort(made.devices);
    for (const Name& flag : command.flags) made.offload = made.offload || flag.text == "offload";
    made.handle = table->next_handle++;
    table->flowtables.push_back(std::move(made));
  }

  void flush_ruleset(const Command& command) {
    if (command.operation != Operation::flush) return error(command.at, "syntax error, unexpected ruleset");
    std::erase_if(ruleset_.tables, [&](const Table& table) { return command.family.empty() || table.family == command.family; });
  }

  /// Depth of jumps below a chain; the kernel allows 16.
  void walk(const Table& table, const Chain& chain, std::map<std::string_view, size_t>& deepest, size_t depth) {
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

  Ruleset& ruleset_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  Applied* applied_;
  bool looped_ = false;
  Location last_rule_{};  // where the kernel's last check is reported
};

}  // namespace

bool apply(Ruleset& ruleset, std::vector<Command> commands, const Registry& registry, Diagnostics& diagnostics, Applied* applied) {
  if (diagnostics.any()) return false;
  Ruleset next = ruleset;
  Transaction transaction(next, registry, diagnostics, applied);
  for (Command& command : commands) transaction.run(command);
  if (!diagnostics.any()) transaction.finish();
  if (diagnostics.any()) return false;
  ruleset = std::move(next);
  return true;
}

}  // namespace bulkhead::ruleset