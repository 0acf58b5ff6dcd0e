#include "common/ruleset/write/print.h"

#include <cstdlib>

#include "common/ruleset/modules/all.h"

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

  void table(const Table& table) {
    family_ = table.family;
    text_ += fmt::format("table {} {} {{{}\n", table.family, table.name, handle(table.handle));
    if (table.dormant) text_ += "\tflags dormant\n";
    if (!table.comment.empty()) text_ += fmt::format("\tcomment \"{}\"\n", table.comment);
    std::string_view separator = table.dormant ? "\n" : "";
    auto const next = [&] {
      text_ += separator;
      separator = "\n";
    };
    for (const Object& one : table.objects) next(), object(one);
    for (const Set& one : table.sets) next(), set(one);
    for (const Flowtable& one : table.flowtables) next(), flowtable(one);
    for (const Chain& one : table.chains) next(), chain(one);
    text_ += "}\n";
  }

 private:
  [[nodiscard]] std::string handle(uint64_t number) const {
    return style_.handles ? fmt::format(" # handle {}", number) : std::string();
  }

  template <class... Args>
  void line(fmt::format_string<Args...> form, Args&&... args) {
    text_ += "\t\t";
    text_ += fmt::format(form, std::forward<Args>(args)...);
    text_ += "\n";
  }

  void object(const Object& object) {
    const Statement& body = object.body;
    std::string_view const kind = body.module->object_name;
    text_ += fmt::format("\t{} {} {{{}\n", kind, object.name, handle(object.handle));
    if (!object.comment.empty()) line("comment \"{}\"", object.comment);
    std::string inner;
    Out out(inner, style_, family_);
    auto const text_of = [&](const char* name) { return body.argument(name) == nullptr ? std::string() : body.argument(name)->text; };
    auto const number_of = [&](const char* name) { return static_cast<uint64_t>(body.argument(name) == nullptr ? 0 : body.argument(name)->number); };
    if (kind == "counter") {
      if (!style_.stateless) inner = fmt::format("packets {} bytes {}", number_of("packets"), number_of("bytes"));
    } else if (kind == "quota") {
      print_quota_body(body, out);
    } else if (kind == "limit") {
      print_limit_body(body, out);
    } else if (kind == "ct helper") {
      line("type \"{}\" protocol {}", text_of("type"), text_of("protocol"));
      inner = fmt::format("l3proto {}", text_of("l3proto"));
    } else if (kind == "ct timeout") {
      line("protocol {}", text_of("protocol"));
      line("l3proto {}", text_of("l3proto"));
      inner = "policy = { ";
      if (const Expression* const policy = body.argument("policy"))
        for (size_t i = 0; i < policy->arguments.size(); ++i)
          inner += fmt::format("{}{} : {}", i == 0 ? "" : ", ", policy->arguments[i].name, static_cast<uint64_t>(policy->arguments[i].value.number / 1000));
      inner += " }";
    } else if (kind == "ct expectation") {
      line("protocol {}", text_of("protocol"));
      line("dport {}", number_of("dport"));
      line("timeout {}", print_duration(number_of("timeout"), style_));
      line("size {}", number_of("size"));
      inner = fmt::format("l3proto {}", text_of("l3proto"));
    } else if (kind == "synproxy") {
      line("mss {}", number_of("mss"));
      line("wscale {}", number_of("wscale"));
      for (const char* flag : {"timestamp", "sack-perm"})
        if (body.has(flag)) inner += fmt::format("{}{}", inner.empty() ? "" : " ", flag);
    } else if (const Expression* const context = body.argument("")) {
      inner = fmt::format("\"{}\"", context->text);
    }
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
    text_ += fmt::format("\t{} {} {{{}\n", set.map ? "map" : "set", set.name, handle(set.handle));
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

  void chain(const Chain& chain) {
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
    for (const Rule& rule : chain.rules) {
      std::string text = rule_text(rule, family_, style_);
      text_ += fmt::format("\t\t{}{}\n", text, handle(rule.handle));
    }
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

std::string list_table(const Table& table, const Style& style) {
  Listing listing(style);
  listing.table(table);
  return listing.take();
}

std::string list_ruleset(const Ruleset& ruleset, const Style& style) {
  std::string text;
  for (size_t i = 0; i < ruleset.tables.size(); ++i) {
    text += list_table(ruleset.tables[i], style);
  }
  return text;
}

}  // namespace bulkhead::ruleset