// Where a packet goes besides, or instead: `dup to ADDRESS`, `fwd to DEVICE`, `tproxy to ADDRESS:PORT`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Parameter kDupParameters[] = {{.name = "to", .takes = Takes::target, .help = "address", .rank = 1},
                                        {.name = "device", .takes = Takes::value, .help = "interface", .rank = 2}};
constexpr Parameter kFwdParameters[] = {{.name = "ip", .help = "to an IPv4 neighbour", .rank = 1},
                                        {.name = "ip6", .help = "to an IPv6 neighbour", .rank = 1},
                                        {.name = "to", .takes = Takes::target, .help = "interface or address", .rank = 2},
                                        {.name = "device", .takes = Takes::value, .help = "interface", .rank = 3}};
constexpr Parameter kTproxyParameters[] = {{.name = "ip", .help = "IPv4 only", .rank = 1},
                                           {.name = "ip6", .help = "IPv6 only", .rank = 1},
                                           {.name = "to", .takes = Takes::target, .help = "address and port of the proxy", .rank = 2}};

const DataType& address_type(std::string_view family) { return family == "ip6" ? ipv6_address : ipv4_address; }

/// No port, no range, no network.
bool only_address(const Statement& statement, Checker& checker) {
  const Expression& to = *statement.argument("to");
  if (to.parts[0].is(Kind::none) || !to.parts[1].is(Kind::none)) return checker.error(to.at, "syntax error, unexpected colon");
  if (to.parts[0].is(Kind::prefix)) return checker.error(to.parts[0].at, "syntax error, unexpected /");
  return !to.parts[0].is(Kind::range) || checker.error(to.parts[0].at, "syntax error, unexpected -");
}

void check_dup(Statement& dup, Checker& checker) {
  Expression* const to = dup.argument("to");
  if (to == nullptr) {
    checker.error(dup.at, "syntax error, expecting 'to'");
    return;
  }
  bool const device_only = checker.family() == "netdev" || checker.family() == "bridge";
  if (!only_address(dup, checker)) return;
  if (device_only && dup.has("device")) {
    checker.error(dup.at, "cannot specify device");
    return;
  }
  const DataType& type = device_only ? interface_index : address_type(checker.family());
  if (checker.family() == "inet") checker.error(dup.at, "unsupported family");
  checker.value(to->parts[0], type, type.bits);
  if (Expression* const device = dup.argument("device")) checker.value(*device, interface_index, 32);
}

void print_dup(const Statement& dup, Out& out) {
  out << dup.module->name;
  if (dup.has("ip")) out << " ip";
  if (dup.has("ip6")) out << " ip6";
  out << " to " << dup.argument("to")->parts[0];
  if (const Expression* const device = dup.argument("device")) out << " device " << *device;
}

void check_fwd(Statement& fwd, Checker& checker) {
  Expression* const to = fwd.argument("to");
  if (to == nullptr) {
    checker.error(fwd.at, "syntax error, expecting 'to'");
    return;
  }
  bool const address = fwd.has("ip") || fwd.has("ip6");
  if (!only_address(fwd, checker)) return;
  if (address != fwd.has("device")) {
    checker.error(fwd.at, address ? "syntax error, expecting device" : "syntax error, unexpected device");
    return;
  }
  const DataType& type = address ? address_type(fwd.has("ip6") ? "ip6" : "ip") : interface_index;
  checker.value(to->parts[0], type, type.bits);
  if (Expression* const device = fwd.argument("device")) checker.value(*device, interface_index, 32);
}

void check_tproxy(Statement& tproxy, Checker& checker) {
  Expression* const to = tproxy.argument("to");
  if (to == nullptr) {
    checker.error(tproxy.at, "syntax error, expecting 'to'");
    return;
  }
  if (checker.known(Layer::transport) == nullptr) checker.error(tproxy.at, "Transparent proxy support requires transport protocol match");
  if (!checker.may_be(checker.family_said(tproxy), tproxy)) return;
  for (auto const& [part, what] : {std::pair<size_t, const char*>{0, "Address"}, {1, "Port"}})
    if (to->parts[part].is(Kind::range)) {
      checker.error(tproxy.at, fmt::format("{} ranges are not supported for tproxy.", what));
      return;
    }
  Expression target = *to;
  if (!target.parts[0].is(Kind::none)) {
    auto const family = checker.target_family(tproxy);
    if (!family) return;
    const DataType& type = *family == kNfIpv6 ? ipv6_address : ipv4_address;
    checker.value(target.parts[0], type, type.bits);
  }
  if (!target.parts[1].is(Kind::none)) checker.value(target.parts[1], inet_service, 16);
  tproxy.set("to", std::move(target));
}

void print_tproxy(const Statement& tproxy, Out& out) {
  const Expression& to = *tproxy.argument("to");
  bool const inet = out.family() == "inet";
  out << "tproxy " << (inet && tproxy.has("ip") ? "ip " : inet && tproxy.has("ip6") ? "ip6 " : "") << "to ";
  print_target(to, out);
}

/// `first`: what stands behind `to`.
Json target_json(const Statement& statement, const Style& style, Json inner, const char* first) {
  const Expression& to = *statement.argument("to");
  if (!to.parts[0].is(Kind::none)) inner[first] = to_json(to.parts[0], style);
  if (!to.parts[1].is(Kind::none)) inner["port"] = to_json(to.parts[1], style);
  if (const Expression* const device = statement.argument("device")) inner["dev"] = to_json(*device, style);
  return Json::named(statement.module->name, std::move(inner));
}

constexpr uint8_t kTarget = 0, kDevice = 1;  // registers

void compile_dup(const Statement& dup, Compiler& compiler) {
  const Expression* const device = dup.argument("device");
  if (compiler.load(dup.argument("to")->parts[0], kTarget) != 1) return;
  if (compiler.family() == "netdev") return compiler.emit(run::dup_to_device, {.to = kTarget});
  if (device != nullptr && compiler.load(*device, kDevice) != 1) return;
  compiler.emit(run::dup_to_address, {.to = kTarget, .offset = device != nullptr ? 1U : 0U});
  if (compiler.wiring() == Wiring::bridge) compiler.note(dup.at, "dup: a bridge has no routes, no copy leaves");
}

void compile_fwd(const Statement& fwd, Compiler& compiler) {
  const Expression* const device = fwd.argument("device");
  if (compiler.load(fwd.argument("to")->parts[0], kTarget) != 1) return;
  if (device == nullptr) return compiler.emit(run::fwd_to_device, {.to = kTarget});
  if (compiler.load(*device, kDevice) != 1) return;
  compiler.emit(run::fwd_to_neighbour, {.to = kTarget, .a = fwd.has("ip6") ? 6U : 4U});
  if (compiler.wiring() == Wiring::bridge) compiler.note(fwd.at, "fwd: a bridge knows no neighbours, packets are dropped");
}

/// No socket of a proxy is here, so that the rule is left, as the kernel leaves it.
void compile_tproxy(const Statement&, Compiler& compiler) { compiler.emit(run::absent); }

Json dup_to_json(const Statement& dup, const Style& style) { return target_json(dup, style, Json::object(), "addr"); }

/// The device stands first, unlike `dup`'s.
Json fwd_to_json(const Statement& fwd, const Style& style) {
  const Expression& to = fwd.argument("to")->parts[0];
  const Expression* const device = fwd.argument("device");
  Json inner = Json::named("dev", to_json(device != nullptr ? *device : to, style));
  put_family(fwd, inner);
  if (device != nullptr) inner["addr"] = to_json(to, style);
  return Json::named("fwd", std::move(inner));
}

Json tproxy_to_json(const Statement& tproxy, const Style& style) {
  Json inner = Json::object();
  put_family(tproxy, inner);
  return target_json(tproxy, style, std::move(inner), "addr");
}

void forward_from_json(Statement& dup, const Json& json, json_in::Reader& reader) {
  if (!reader.has_members(dup, json)) return;
  Expression to = json_in::made(Kind::list);
  bool const address = json.contains("addr");
  to.parts = {reader.expression(json_in::member(json, address ? "addr" : "dev")), {}};
  if (std::string const family = json_in::text_or(json, "family"); !family.empty()) dup.arguments.push_back({family, {}, {}});
  dup.set("to", std::move(to));
  const Json* const device = json.find("dev");
  if (address && device != nullptr) dup.set("device", reader.expression(*device));
}

}  // namespace

void print_target(const Expression& to, Out& out) {
  const Expression& address = to.parts[0];
  bool const port = !to.parts[1].is(Kind::none);
  bool const brackets = port && (address.type == &ipv6_address) && !address.is(Kind::lookup);
  if (!address.is(Kind::none)) {
    if (brackets && address.is(Kind::range)) {
      out << "[" << address.parts[0] << "]-[" << address.parts[1] << "]";
    } else {
      out << (brackets ? "[" : "") << address << (brackets ? "]" : "");
    }
  }
  if (port) out << ":" << to.parts[1];
}

const Module dup_module{.name = "dup", .help = "send a copy elsewhere", .families = 1 | 2 | 4 | 32,
                        .parameters = kDupParameters, .check = check_dup, .print = print_dup,
                        .to_json = dup_to_json, .from_json = forward_from_json, .compile = compile_dup};
const Module fwd_module{.name = "fwd", .help = "send it out by another interface", .families = 32,
                        .parameters = kFwdParameters, .terminal = true, .check = check_fwd, .print = print_dup,
                        .to_json = fwd_to_json, .from_json = forward_from_json, .compile = compile_fwd};
const Module tproxy_module{.name = "tproxy", .help = "hand it to a local proxy", .families = kInetFamilies, .hooks = Hook::prerouting,
                           .parameters = kTproxyParameters, .tracks = true, .check = check_tproxy, .print = print_tproxy,
                           .to_json = tproxy_to_json, .from_json = nat_from_json, .compile = compile_tproxy};

}  // namespace bulkhead::ruleset
