// What is looked up on the host for a packet: `rt`, `fib`, `socket`, `osf`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/read/json_reader.h"
#include "common/ruleset/run/fib.h"
#include "common/ruleset/write/json_tree.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kRtKeys[] = {
    {.name = "classid", .type = &realm, .help = "routing realm"},
    {.name = "nexthop", .type = &invalid_type, .help = "next hop's address"},
    {.name = "mtu", .bits = 16, .help = "TCP maximum segment size of the route", .load = &run::route_mss},
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
    {.name = "transparent", .bits = 1, .help = "a transparent socket is there"},
    {.name = "mark", .type = &mark, .help = "mark of the local socket"},
    {.name = "wildcard", .bits = 1, .help = "the socket is bound to any address"},
    {.name = "cgroupv2", .type = &cgroupv2, .help = "control group of the socket"},
};
constexpr Parameter kSocketParameters[] = {{.name = "level", .takes = Takes::number, .help = "depth of the group", .most = 255}};

constexpr Key kOsfKeys[] = {{.name = "name", .type = &string_type, .bits = 128, .help = "operating system by its SYN"},
                            {.name = "version", .type = &string_type, .bits = 128, .help = "with its version"}};
constexpr std::string_view kOsfModifiers[] = {"ttl", "loose", "skip"};

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
    .modifiers = kFibModifiers, .between = " . ", .may_be_missing = true, .select_to_json = fib_to_json,
    .select_from_json = fib_from_json, .load = load_fib};
const Module socket_module{.name = "socket", .form = Form::select, .help = "the local socket", .keys = kSocketKeys,
                           .parameters = kSocketParameters};
const Module osf_module{.name = "osf", .form = Form::select, .help = "operating system's fingerprint", .keys = kOsfKeys,
                        .modifiers = kOsfModifiers};

}  // namespace bulkhead::ruleset
