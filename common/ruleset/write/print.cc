#include "common/ruleset/write/print.h"

#include <cstdlib>

#include "common/ruleset/write/hooks_listing.h"
#include "common/ruleset/write/out.h"
#include "common/ruleset/write/shown.h"

namespace bulkhead::ruleset {
namespace {

struct PriorityName {
  std::string_view name;
  int32_t number;
  std::string_view hook;  // empty: all
};
constexpr PriorityName kInet[] = {{"raw", -300, ""}, {"mangle", -150, ""}, {"dstnat", -100, "prerouting"},
                                  {"filter", 0, ""}, {"security", 50, ""}, {"srcnat", 100, "postrouting"}};
constexpr PriorityName kBridge[] = {{"dstnat", -300, "prerouting"}, {"filter", -200, ""}, {"out", 100, "output"},
                                    {"srcnat", 300, "postrouting"}};
constexpr PriorityName kFilter[] = {{"filter", 0, ""}};

std::span<const PriorityName> names_for(std::string_view family) {
  if (family == "bridge") return kBridge;
  if (family == "arp" || family == "netdev") return kFilter;
  return kInet;
}

class Listing {
 public:
  explicit Listing(const Style& style) : style_(style) {}
  std::string take() { return std::move(text_); }

  void table(const Shown& shown) {
    const Table& table = *shown.table;
    family_ = table.family;
    text_ += fmt::format("table {} {} {{{}\n", table.family, table.name, shown.whole ? handle(table.handle) : "");
    if (shown.whole) properties(table);
    std::string_view separator = shown.whole && table.dormant ? "\n" : "";
    auto const next = [&] {
      text_ += separator;
      if (shown.whole) separator = "\n";
    };
    for (const Object* const one : shown.objects) next(), object(*one);
    for (const Set* const one : shown.sets) next(), set(*one);
    for (const Flowtable* const one : shown.flowtables) next(), flowtable(*one);
    for (const Chain* const one : shown.chains) next(), chain(*one, shown.rules);
    text_ += "}\n";
  }

 private:
  void properties(const Table& table) {
    if (table.dormant) text_ += "\tflags dormant\n";
    if (!table.comment.empty()) text_ += fmt::format("\tcomment \"{}\"\n", table.comment);
  }

  [[nodiscard]] std::string handle(uint64_t number) const {
    return style_.handles ? fmt::format(" # handle {}", number) : std::string();
  }

  template <class... Args>
  void line(fmt::format_string<Args...> form, Args&&... args) {
    text_ += "\t\t";
    text_ += fmt::format(form, std::forward<Args>(args)...);
    text_ += "\n";
  }

  /// The general way: parameters in their order, a line each.
  void print_body(const Statement& body, Out& out) {
    for (const Parameter& parameter : body.module->parameters) {
      const Expression* const argument = body.argument(parameter.name);
      if (!out.text().empty()) out.line();
      out << parameter.name << " ";
      if (parameter.takes == Takes::block) block(argument, out);
      else if (parameter.takes == Takes::number) out.number(argument == nullptr ? 0 : argument->number);
      else if (parameter.takes == Takes::time) out << print_duration(argument == nullptr ? 0 : static_cast<uint64_t>(argument->number), style_);
      else if (argument != nullptr) out << argument->text;
    }
  }

  static void block(const Expression* entries, Out& out) {
    out << "= { ";
    std::string_view separator;
    if (entries != nullptr)
      for (const Argument& entry : entries->arguments) {
        out << separator << entry.name << " : ";
        out.number(entry.value.number / 1000);
        separator = ", ";
      }
    out << " }";
  }

  void object(const Object& object) {
    const Module& module = *object.body.module;
    text_ += fmt::format("\t{} {} {{{}\n", module.object_name, object.name, handle(object.handle));
    if (!object.comment.empty()) line("comment \"{}\"", object.comment);
    std::string inner;
    Out out(inner, style_, family_);
    if (module.print_body != nullptr) module.print_body(object.body, out);
    else print_body(object.body, out);
    if (!inner.empty()) line("{}", inner);
    text_ += "\t}\n";
  }

  [[nodiscard]] std::string fields(const Set& set, const std::vector<Expression>& list) {
    std::string out;
    for (size_t i = 0; i < list.size(); ++i) {
      if (i != 0) out += " . ";
      if (set.type_of && list[i].is(Kind::select)) Out(out, style_, family_) << list[i];
      else out += list[i].type->name;
    }
    return out;
  }

  void set(const Set& set) {
    text_ += fmt::format("\t{} {} {{{}\n", set.meter ? "meter" : set.map ? "map" : "set", set.name, handle(set.handle));
    std::string data;
    if (!set.object.empty()) data = " : " + set.object;
    else if (set.map) data = fmt::format(" : {}{}", set.interval_data ? "interval " : "", fields(set, set.data));
    line("{} {}{}", set.type_of ? "typeof" : "type", fields(set, set.key), data);
    if (!set.constant) {
      if (set.memory) line("policy memory");
      if (set.size != 0) line("size {}", set.size);
    }
    std::string flags;
    for (auto const& [on, name] : {std::pair{set.constant, "constant"}, {set.dynamic, "dynamic"}, {set.interval, "interval"},
                                   {set.timeouts, "timeout"}})
      if (on) flags += fmt::format("{}{}", flags.empty() ? "" : ",", name);
    bool const only_timeout = flags == "timeout" && set.timeout_ms != 0;
    if (!flags.empty() && !only_timeout) line("flags {}", flags);
    if (!set.statements.empty()) {
      std::string inner;
      Out out(inner, style_, family_);
      for (size_t i = 0; i < set.statements.size(); ++i) {
        if (i != 0) out << " ";
        out.stateless(set.statements[i]);
      }
      line("{}", inner);
    }
    if (set.auto_merge) line("auto-merge");
    if (set.timeout_ms != 0) line("timeout {}", print_duration(set.timeout_ms, style_));
    if (set.gc_interval_ms != 0) line("gc-interval {}", print_duration(set.gc_interval_ms, style_));
    if (!set.comment.empty()) line("comment \"{}\"", set.comment);
    if (!set.elements.empty() && !style_.terse) {
      Expression all;
      all.kind = Kind::set;
      all.text = "named";
      all.parts = set.elements;
      text_ += "\t\telements = ";
      Out(text_, style_, family_) << all;
      text_ += "\n";
    }
    text_ += "\t}\n";
  }

  void flowtable(const Flowtable& flowtable) {
    text_ += fmt::format("\tflowtable {} {{{}\n", flowtable.name, handle(flowtable.handle));
    line("hook ingress priority {}", priority_text("netdev", "ingress", flowtable.priority, style_));
    if (!flowtable.devices.empty()) line("devices = {{ {} }}", fmt::join(flowtable.devices, ", "));
    if (flowtable.offload) line("flags offload");
    if (flowtable.counter) line("counter");
    text_ += "\t}\n";
  }

  void chain(const Chain& chain, bool rules) {
    text_ += fmt::format("\tchain {} {{{}\n", chain.name, handle(chain.handle));
    if (!chain.comment.empty()) line("comment \"{}\"", chain.comment);
    if (chain.base) {
      const Base& base = *chain.base;
      std::string devices;
      if (base.devices.size() == 1) devices = fmt::format(" device \"{}\"", base.devices[0]);
      else if (!base.devices.empty()) devices = fmt::format(" devices = {{ {} }}", fmt::join(base.devices, ", "));
      line("type {} hook {}{} priority {}; policy {};", base.type, base.hook, devices,
           priority_text(family_, base.hook, base.priority, style_), base.drop ? "drop" : "accept");
    }
    if (rules)
      for (const Rule& rule : chain.rules) text_ += fmt::format("\t\t{}{}\n", rule_text(rule, family_, style_), handle(rule.handle));
    text_ += "\t}\n";
  }

  const Style& style_;
  std::string text_;
  std::string_view family_;
};

}  // namespace

std::string rule_text(const Rule& rule, std::string_view family, const Style& style) {
  std::string text;
  Out out(text, style, family);
  for (const Statement& one : rule.statements) {
    if (one.hidden) continue;
    if (!text.empty()) out << " ";
    out.statement(one);
  }
  if (!rule.comment.empty()) text += fmt::format(" comment \"{}\"", rule.comment);
  return text;
}

std::optional<int32_t> priority_number(std::string_view family, std::string_view hook, std::string_view name) {
  for (const PriorityName& one : names_for(family))
    if (one.name == name && (one.hook.empty() || one.hook == hook)) return one.number;
  return std::nullopt;
}

std::string priority_text(std::string_view family, std::string_view hook, int32_t priority, const Style& style) {
  if (style.numeric_priority) return fmt::format("{}", priority);
  const PriorityName* nearest = nullptr;
  for (const PriorityName& one : names_for(family)) {
    if (!one.hook.empty() && one.hook != hook) continue;
    auto const distance = [&](const PriorityName& to) { return std::abs(static_cast<int64_t>(priority) - to.number); };
    if (distance(one) <= 10 && (nearest == nullptr || distance(one) < distance(*nearest))) nearest = &one;
  }
  if (nearest == nullptr) return fmt::format("{}", priority);
  int32_t const offset = priority - nearest->number;
  if (offset == 0) return std::string(nearest->name);
  return fmt::format("{} {} {}", nearest->name, offset > 0 ? "+" : "-", std::abs(offset));
}

std::string list_ruleset(const Ruleset& ruleset, const Style& style) {
  Listing listing(style);
  for (const Table& table : ruleset.tables) listing.table(whole(table));
  return listing.take();
}

std::string list_text(const Ruleset& ruleset, const Command& list, const Style& style) {
  if (list.thing == Thing::hooks) return list_hooks(ruleset, list);
  Listing listing(style);
  std::string names;
  for (const Shown& one : shown(ruleset, list)) {
    if (list.thing == Thing::tables) names += fmt::format("table {} {}\n", one.table->family, one.table->name);
    else listing.table(one);
  }
  return names + listing.take();
}

}  // namespace bulkhead::ruleset
