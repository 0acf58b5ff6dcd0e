// `snat`, `dnat`, `masquerade`, `redirect`: [ip|ip6] [prefix] [to ADDRESS[:PORT]] [random, fully-random, persistent].
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kNatParameters[] = {{.name = "ip", .help = "IPv4 only"},
                                     {.name = "ip6", .help = "IPv6 only"},
                                     {.name = "prefix", .help = "the network part only"},
                                     {.name = "interval", .help = "the map gives ranges"},
                                     {.name = "addr", .help = "the map gives address and port"},
                                     {.name = "port", .help = "the map gives address and port"},
                                     {.name = "to", .takes = Takes::target, .help = "addresses and ports"},
                                     {.name = "random", .help = "ports by chance"},
                                     {.name = "fully-random", .help = "ports wholly by chance"},
                                     {.name = "persistent", .help = "the same address for a client"}};

bool in_hook(const Checker& checker, std::initializer_list<std::string_view> hooks) {
  const Chain* const chain = checker.chain();
  if (chain == nullptr || !chain->base) return true;
  return std::ranges::find(hooks, chain->base->hook) != hooks.end();
}

void check_place_nat(const Statement& nat, Checker& checker) {
  const Chain* const chain = checker.chain();
  if (chain == nullptr || !chain->base) return;
  std::string_view const name = nat.module->name;
  bool const source = name == "snat" || name == "masquerade";
  bool const fits = name == "masquerade" ? in_hook(checker, {"postrouting"})
                    : source             ? in_hook(checker, {"postrouting", "input"})
                                         : in_hook(checker, {"prerouting", "output"});
  if (chain->base->type != "nat" || !fits) checker.error(nat.at, "Could not process rule: Operation not supported");
}

bool looks_like_six(const Expression& address) {
  const Expression* at = &address;
  while (!at->parts.empty() && (at->is(Kind::range) || at->is(Kind::prefix))) at = &at->parts[0];
  return at->is(Kind::text) && at->text.find(':') != std::string::npos;
}

bool gives_ranges(const Expression& map, const Checker& checker) {
  if (map.is(Kind::reference)) {
    const Set* const set = find_named(checker.table().sets, map.text);
    return set != nullptr && set->interval_data;
  }
  return std::ranges::any_of(map.parts, [](const Expression& element) {
    return element.parts.size() > 1 && (element.parts[1].is(Kind::range) || element.parts[1].is(Kind::prefix));
  });
}

/// `dnat ip addr . port to ... map`: the data are concatenations. `interval` is known by the data, whoever says it.
bool check_map(Statement& nat, Expression& address, Checker& checker) {
  if (!checker.typed(address)) return false;
  for (const char* word : {"addr", "port", "interval"}) nat.erase(word);
  if (gives_ranges(address.parts.at(1), checker)) nat.arguments.insert(nat.arguments.begin(), {"interval", nat.at, {}});
  return true;
}

void check_address(Statement& nat, Expression& to, Checker& checker) {
  Expression& address = to.parts[0];
  if (checker.family() == "inet" && !nat.has("ip") && !nat.has("ip6")) {
    checker.error(nat.word_at, "ip or ip6 must be specified with address for inet tables.");
    return;
  }
  bool const six = checker.family() == "ip6" || nat.has("ip6") ||
                   (checker.family() != "ip" && !nat.has("ip") && looks_like_six(address));
  const DataType& type = six ? ipv6_address : ipv4_address;
  if (address.is(Kind::lookup)) {
    if (!check_map(nat, address, checker)) return;
    if (checker.family() == "inet" && !nat.has("ip") && !nat.has("ip6"))
      nat.arguments.insert(nat.arguments.begin(), {address.type == &ipv6_address ? "ip6" : "ip", nat.at, {}});
    return;
  }
  if (!address.is(Kind::prefix)) nat.erase("prefix");
  bool const several = address.is(Kind::prefix) || address.is(Kind::range);
  if (checker.value(address, type, type.bits) && several) shorten(address);
  if (checker.family() == "inet" && !nat.has("ip") && !nat.has("ip6"))
    nat.arguments.insert(nat.arguments.begin(), {six ? "ip6" : "ip", nat.at, {}});
}

void check_nat(Statement& nat, Checker& checker) {
  check_place_nat(nat, checker);
  Expression* const to = nat.argument("to");
  std::string_view const name = nat.module->name;
  bool const ports_only = name == "masquerade" || name == "redirect";
  if (to == nullptr) {
    if (!ports_only) checker.error(nat.at, "syntax error, unexpected newline, expecting 'to'");
    return;
  }
  if (ports_only && to->parts[1].is(Kind::none) && !to->parts[0].is(Kind::none)) std::swap(to->parts[0], to->parts[1]);
  Expression target = *to;
  if (!target.parts[0].is(Kind::none)) check_address(nat, target, checker);
  if (Expression& port = target.parts[1]; !port.is(Kind::none)) {
    const Module* const transport = checker.known(Layer::transport);
    if (transport == nullptr)
      checker.error(port.at, "transport protocol mapping is only valid after transport protocol match", nat.word_at);
    else if (port.is(Kind::lookup) || port.is(Kind::select)) checker.typed(port);
    else checker.value(port, inet_service, 16);
  }
  nat.set("to", std::move(target));
}

void print_nat(const Statement& nat, Out& out) {
  out << nat.module->name;
  const Expression* const target = nat.argument("to");
  bool const pairs = target != nullptr && target->parts[0].is(Kind::lookup) && target->parts[0].bits == 0;
  bool const inet = out.family() == "inet", shown = pairs || nat.has("interval");
  if ((inet && nat.has("ip")) || (shown && out.family() == "ip")) out << " ip";
  if ((inet && nat.has("ip6")) || (shown && out.family() == "ip6")) out << " ip6";
  if (nat.has("prefix")) out << " prefix";
  if (const Expression* const to = nat.argument("to")) {
    out << " to ";
    print_target(*to, out);
  }
  std::string_view separator = " ";
  for (const char* flag : {"random", "fully-random", "persistent"})
    if (nat.has(flag)) {
      out << separator << flag;
      separator = ",";
    }
}

Json nat_as_json(const Statement& nat, const Style& style) {
  Json inner;
  const Expression* const to = nat.argument("to");
  if (nat.has("ip") || nat.has("ip6")) put_family(nat, inner);
  else if (nat.has("interval")) inner["family"] = to->parts[0].type == &ipv6_address ? "ip6" : "ip";
  if (to != nullptr && !to->parts[0].is(Kind::none)) inner["addr"] = to_json(to->parts[0], style);
  if (to != nullptr && !to->parts[1].is(Kind::none)) inner["port"] = to_json(to->parts[1], style);
  bool const prefix = nat.has("prefix");
  Json flags = flags_json(nat, {"random", "fully-random", "persistent"});
  if (prefix && flags.is(Json::Type::array) && flags.empty()) flags = "netmap";
  if (flags.is(Json::Type::text) || !flags.empty()) inner["flags"] = std::move(flags);
  if (prefix) inner["type_flags"] = "prefix";
  return Json::named(nat.module->name, std::move(inner));
}

template <packet::Part part, NatTarget::Address address>
void compile_nat(const Statement& nat, Compiler& compiler) {
  compile_nat(nat, part, address, compiler);
}

}  // namespace

void nat_from_json(Statement& nat, const Json& json, json_in::Reader& reader) {
  if (json.is(Json::Type::null)) return;
  if (std::string const family = json_in::text_or(json, "family"); family == "ip" || family == "ip6") nat.arguments.push_back({family, {}, {}});
  if (json_in::text_or(json, "type_flags") == "prefix") nat.arguments.push_back({"prefix", {}, {}});
  Expression to = json_in::made(Kind::list);
  for (const char* name : {"addr", "port"}) {
    const Json* const part = json.find(name);
    to.parts.push_back(part != nullptr ? reader.expression(*part) : Expression{});
  }
  if (json.contains("addr") || json.contains("port")) nat.set("to", std::move(to));
  json_in::flags_of(nat, json);
}

const Module snat_module{.name = "snat", .help = "change the source", .families = kInetFamilies, .parameters = kNatParameters,
    .terminal = true, .target_without_to = true, .check = check_nat, .print = print_nat, .to_json = nat_as_json,
    .from_json = nat_from_json, .compile = compile_nat<packet::Part::source, NatTarget::Address::none>};
const Module dnat_module{.name = "dnat", .help = "change the destination", .families = kInetFamilies,
    .parameters = kNatParameters, .terminal = true, .target_without_to = true, .check = check_nat, .print = print_nat,
    .to_json = nat_as_json, .from_json = nat_from_json, .compile = compile_nat<packet::Part::destination, NatTarget::Address::none>};
const Module masquerade_module{.name = "masquerade", .help = "the source becomes the interface's address",
    .families = kInetFamilies, .parameters = kNatParameters, .terminal = true, .check = check_nat, .print = print_nat,
    .to_json = nat_as_json, .from_json = nat_from_json, .compile = compile_nat<packet::Part::source, NatTarget::Address::outgoing>};
const Module redirect_module{.name = "redirect", .help = "the destination becomes this host", .families = kInetFamilies,
    .parameters = kNatParameters, .terminal = true, .target_without_to = true, .check = check_nat, .print = print_nat,
    .to_json = nat_as_json, .from_json = nat_from_json,
    .compile = compile_nat<packet::Part::destination, NatTarget::Address::incoming>};

}  // namespace bulkhead::ruleset
