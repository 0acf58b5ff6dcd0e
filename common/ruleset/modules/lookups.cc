// What is looked up on the host for a packet: `rt`, `fib`, `socket`, `osf`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/fib.h"
#include "common/ruleset/run/select.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint8_t kRouted = Hook::forward | Hook::output | Hook::postrouting;
constexpr uint8_t kArriving = Hook::prerouting | Hook::input | Hook::forward;

constexpr Key kRtKeys[] = {
    {.name = "classid", .type = &realm, .help = "routing realm"},
    {.name = "nexthop", .type = &invalid_type, .help = "next hop's address"},
    {.name = "mtu", .bits = 16, .help = "TCP maximum segment size of the route", .hooks = kRouted,
     .load = &run::route_mss},
    {.name = "ipsec", .type = &boolean_type, .help = "whether the route goes through IPsec"},
};
constexpr std::string_view kRtModifiers[] = {"ip", "ip6"};

constexpr Key kFibKeys[] = {
    {.name = "oif", .type = &interface_index, .help = "interface by which the address is reached", .load = &run::fib_oif},
    {.name = "oifname", .type = &interface_name, .help = "its name", .load = &run::fib_oifname},
    {.name = "type", .type = &fib_address_type, .help = "kind of address: local, unicast...", .load = &run::fib_type},
};
constexpr std::string_view kFibModifiers[] = {"saddr", "daddr", "mark", "iif", "oif"};

constexpr Key kSocketKeys[] = {
    {.name = "transparent", .bits = 1, .help = "a transparent socket is there", .load = &run::absent},
    {.name = "mark", .type = &mark, .help = "mark of the local socket", .load = &run::absent},
    {.name = "wildcard", .bits = 1, .help = "the socket is bound to any address", .load = &run::absent},
    {.name = "cgroupv2", .type = &cgroupv2, .help = "control group of the socket", .load = &run::absent},
};
constexpr Parameter kSocketParameters[] = {{.name = "level", .takes = Takes::number, .help = "depth of the group", .most = 255}};

constexpr Key kOsfKeys[] = {{.name = "name", .type = &string_type, .bits = 128, .help = "operating system by its SYN"},
                            {.name = "version", .type = &string_type, .bits = 128, .help = "with its version"}};
constexpr std::string_view kOsfModifiers[] = {"ttl", "loose", "skip"};

/// One address, and one interface at most.
bool check_fib(Expression& fib, Checker& checker) {
  auto const asks = [&](const char* flag) { return fib.argument(flag) != nullptr; };
  if (asks("saddr") && asks("daddr")) return checker.error(fib.at, "fib: saddr and daddr are mutually exclusive");
  if (asks("iif") && asks("oif")) return checker.error(fib.at, "fib: iif and oif are mutually exclusive");
  if (!asks("saddr") && !asks("daddr")) return checker.error(fib.at, "fib: need either saddr or daddr");
  bool const device = fib.key->type != &fib_address_type;
  return !device || !asks("oif") || checker.error(fib.at, "Could not process rule: Invalid argument");
}

uint8_t fib_asked_in(const Expression& fib) {
  if (fib.key->type != &fib_address_type) return kArriving;
  if (fib.argument("iif") != nullptr) return kArriving;
  return fib.argument("oif") != nullptr ? kRouted : kAllHooks;
}

Json rt_to_json(const Expression& rt, const Style&) {
  Json inner = Json::named("key", rt.key->name);
  for (const Argument& family : rt.arguments) inner["family"] = family.name;
  return Json::named("rt", std::move(inner));
}

Json fib_to_json(const Expression& fib, const Style&) {
  Json flags = Json::array();
  for (const Argument& one : fib.arguments) flags.push_back(one.name);
  return Json::named("fib", Json::object({{"result", fib.key->name}, {"flags", std::move(flags)}}));
}

Expression fib_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  Expression fib = reader.of_key(&module, json_in::text_of(json_in::member(json, "result")));
  const Json& flags = json_in::member(json, "flags");
  if (flags.is(Json::Type::array))
    for (const Json& flag : flags.values()) fib.arguments.push_back({json_in::text_of(flag), {}, {}});
  else fib.arguments.push_back({json_in::text_of(flags), {}, {}});
  return fib;
}

Json osf_to_json(const Expression& osf, const Style&) {
  Json inner = Json::named("key", osf.key->name);
  for (const Argument& one : osf.arguments)
    if (one.name != "ttl") inner["ttl"] = one.name;
  return Json::named("osf", std::move(inner));
}

Expression osf_from_json(const Module& module, const Json& json, json_in::Reader& reader) {
  Expression osf = reader.of_key(&module, json_in::text_of(json_in::member(json, "key")));
  std::string const ttl = json_in::text_or(json, "ttl");
  if (ttl.empty()) return osf;
  if (ttl != "loose" && ttl != "skip") json_in::refuse(fmt::format("Invalid osf ttl option '{}'.", ttl));
  osf.arguments = {{"ttl", {}, {}}, {ttl, {}, {}}};
  return osf;
}

uint8_t load_fib(const Expression& select, uint8_t to, Compiler& compiler) {
  Step step{.to = to};
  for (auto const& [name, bit] : {std::pair{"daddr", run::ask_destination}, {"iif", run::ask_in}, {"oif", run::ask_out}})
    if (select.argument(name) != nullptr) step.offset |= bit;
  if (select.key->type != &fib_address_type && select.type == &boolean_type) step.offset |= run::ask_presence;
  compiler.emit(*select.key->load, step);
  return 1;
}

}  // namespace

const Module rt_module{.name = "rt", .form = Form::select, .help = "the packet's route", .keys = kRtKeys,
                       .modifiers = kRtModifiers, .select_to_json = rt_to_json};
const Module fib_module{.name = "fib", .form = Form::select, .help = "a look into the routing table", .keys = kFibKeys,
    .modifiers = kFibModifiers, .between = " . ", .may_be_missing = true, .check_select = check_fib, .asked_in = fib_asked_in, .select_to_json = fib_to_json,
    .select_from_json = fib_from_json, .load = load_fib};
const Module socket_module{.name = "socket", .form = Form::select, .help = "the local socket", .families = kInetFamilies,
                           .hooks = Hook::prerouting | Hook::input | Hook::output, .keys = kSocketKeys,
                           .parameters = kSocketParameters, .tracks = true};
const Module osf_module{.name = "osf", .form = Form::select, .help = "operating system's fingerprint", .families = kInetFamilies,
                        .hooks = kArriving, .keys = kOsfKeys,
                        .modifiers = kOsfModifiers, .select_to_json = osf_to_json, .select_from_json = osf_from_json};

}  // namespace bulkhead::ruleset
