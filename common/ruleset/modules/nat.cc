// `snat`, `dnat`, `masquerade`, `redirect`: [ip|ip6] [prefix] [to ADDRESS[:PORT]] [random, fully-random, persistent].
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kNatParameters[] = {{.name = "ip", .help = "IPv4 only", .rank = 1},
                                     {.name = "ip6", .help = "IPv6 only", .rank = 1},
                                     {.name = "prefix", .help = "the network part only", .rank = 2},
                                     {.name = "interval", .help = "the map gives ranges", .rank = 2},
                                     {.name = "addr", .help = "address and port together", .rank = 2},
                                     {.name = "port", .help = "address and port together", .rank = 3},
                                     {.name = "to", .takes = Takes::target, .help = "addresses and ports", .rank = 4},
                                     {.name = "random", .help = "ports by chance", .rank = kAtTheEnd},
                                     {.name = "fully-random", .help = "ports wholly by chance", .rank = kAtTheEnd},
                                     {.name = "persistent", .help = "the same address for a client", .rank = kAtTheEnd}};
constexpr Parameter kPortParameters[] = {{.name = "to", .takes = Takes::target, .help = "ports", .rank = 1},
                                      {.name = "random", .help = "ports by chance", .rank = kTogether},
                                      {.name = "fully-random", .help = "ports wholly by chance", .rank = kTogether},
                                      {.name = "persistent", .help = "the same address for a client", .rank = kTogether}};

bool gives_ranges(const Expression& map, const Checker& checker) {
  if (map.is(Kind::reference)) {
    const Set* const set = find_named(checker.table().sets, map.text);
    return set != nullptr && set->interval_data;
  }
  return std::ranges::any_of(map.parts, [](const Expression& element) {
    return element.parts.size() > 1 && (element.parts[1].is(Kind::range) || element.parts[1].is(Kind::prefix));
  });
}

/// Address and port in one: said so, or by the data of the map.
bool is_pair(const Statement& nat, const Expression& address, const Checker& checker) {
  if (nat.has("addr")) return true;
  if (!address.is(Kind::lookup)) return false;
  const Expression& map = address.parts[1];
  if (!map.is(Kind::reference))
    return std::ranges::any_of(map.parts, [](const Expression& one) { return one.parts.size() > 1 && one.parts[1].is(Kind::concat); });
  const Set* const set = find_named(checker.table().sets, map.text);
  return set != nullptr && set->data.size() == 2;
}

/// The transport is known by a match, or the key of the map asks for it.
bool knows_transport(const Expression& address, const Checker& checker) {
  if (checker.known(Layer::transport) != nullptr) return true;
  if (!address.is(Kind::lookup)) return false;
  auto const asks = [](const Expression& field) {
    if (!field.is(Kind::select)) return false;
    bool const own = field.module->layer == Layer::transport && field.module->role != Role::any_transport;
    return own || field.key->tells == Tells::transport;
  };
  return address.parts[0].is(Kind::concat) && std::ranges::any_of(address.parts[0].parts, asks);
}

/// A constant address and port are what `ADDRESS:PORT` is.
void check_pair(Expression& to, const DataType& type, Checker& checker) {
  Expression& target = to.parts[0];
  bool const pair = target.is(Kind::concat) && target.parts.size() == 2;
  if (!pair) {
    checker.error(target.at, fmt::format("invalid data type, expected concatenation of ({}, internet network service)", type.description));
    return;
  }
  if (!checker.value(target.parts[0], type, type.bits)) return;
  Expression port = std::move(target.parts[1]), address = std::move(target.parts[0]);
  to.parts = {std::move(address), std::move(port)};
}

void check_map(Statement& nat, Expression& address, bool pairs, const DataType& type, Checker& checker) {
  Location const at = address.at;
  if (!checker.target_map(address, type, pairs)) return;
  if (pairs && !knows_transport(address, checker))
    checker.error(at, "transport protocol mapping is only valid after transport protocol match", nat.word_at);
  if (gives_ranges(address.parts[1], checker)) nat.arguments.insert(nat.arguments.begin(), {"interval", nat.at, {}});
}

void check_address(Statement& nat, Expression& to, Checker& checker) {
  if (nat.has("addr") && !nat.has("ip") && !nat.has("ip6")) {
    checker.error(nat.at, "syntax error, unexpected addr: the family is said before it");
    return;
  }
  auto const family = checker.target_family(nat);
  if (!family) return;
  const DataType& type = *family == kNfIpv6 ? ipv6_address : ipv4_address;
  Expression& address = to.parts[0];
  bool const pairs = is_pair(nat, address, checker);
  for (const char* word : {"addr", "port", "interval"}) nat.erase(word);
  if (address.is(Kind::lookup)) return check_map(nat, address, pairs, type, checker);
  if (!address.is(Kind::prefix)) nat.erase("prefix");
  if (pairs) return check_pair(to, type, checker);
  bool const several = address.is(Kind::prefix) || address.is(Kind::range);
  if (checker.value(address, type, type.bits) && several) shorten(address);
}

void check_port(const Statement& nat, Expression& port, Checker& checker) {
  if (checker.known(Layer::transport) == nullptr)
    checker.error(port.at, "transport protocol mapping is only valid after transport protocol match", nat.word_at);
  else checker.value(port, inet_service, 16);
}

void check_nat(Statement& nat, Checker& checker) {
  Expression* const to = nat.argument("to");
  std::string_view const name = nat.module->name;
  bool const ports_only = name == "masquerade" || name == "redirect";
  if (to == nullptr) {
    if (!ports_only) checker.error(nat.at, "syntax error, unexpected newline, expecting 'to'");
    return;
  }
  if (ports_only && to->parts[1].is(Kind::none) && !to->parts[0].is(Kind::none)) std::swap(to->parts[0], to->parts[1]);
  Expression target = *to;
  bool const has_address = !target.parts[0].is(Kind::none);
  if (ports_only && has_address) {
    checker.error(target.parts[0].at, fmt::format("{} takes ports only", name));
    return;
  }
  if (!has_address && (nat.has("ip") || nat.has("ip6"))) checker.error(target.parts[1].at, "syntax error, unexpected colon");
  if (has_address) check_address(nat, target, checker);
  if (Expression& port = target.parts[1]; !port.is(Kind::none)) check_port(nat, port, checker);
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

constexpr uint8_t kSourceHooks = Hook::postrouting | Hook::input, kDestinationHooks = Hook::prerouting | Hook::output;

const Module snat_module{.name = "snat", .help = "change the source", .families = kInetFamilies, .hooks = kSourceHooks, .translates = true,
    .parameters = kNatParameters, .terminal = true, .target_without_to = true, .tracks = true, .check = check_nat, .print = print_nat, .to_json = nat_as_json,
    .from_json = nat_from_json, .compile = compile_nat<packet::Part::source, NatTarget::Address::none>};
const Module dnat_module{.name = "dnat", .help = "change the destination", .families = kInetFamilies, .hooks = kDestinationHooks,
    .translates = true, .parameters = kNatParameters, .terminal = true, .target_without_to = true, .tracks = true, .check = check_nat, .print = print_nat,
    .to_json = nat_as_json, .from_json = nat_from_json, .compile = compile_nat<packet::Part::destination, NatTarget::Address::none>};
const Module masquerade_module{.name = "masquerade", .help = "the source becomes the interface's address",
    .families = kInetFamilies, .hooks = Hook::postrouting, .translates = true, .parameters = kPortParameters, .terminal = true, .tracks = true,
    .check = check_nat, .print = print_nat, .to_json = nat_as_json, .from_json = nat_from_json,
    .compile = compile_nat<packet::Part::source, NatTarget::Address::outgoing>};
const Module redirect_module{.name = "redirect", .help = "the destination becomes this host", .families = kInetFamilies,
    .hooks = kDestinationHooks, .translates = true, .parameters = kPortParameters, .terminal = true, .tracks = true, .check = check_nat, .print = print_nat,
    .to_json = nat_as_json, .from_json = nat_from_json,
    .compile = compile_nat<packet::Part::destination, NatTarget::Address::incoming>};

}  // namespace bulkhead::ruleset
