// What is looked up on the host for a packet: `rt`, `fib`, `socket`, `osf`.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/fib.h"

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
    {.name = "oif", .type = &interface_index, .help = "interface by which the address is reached",
     .load = &run::fib_oif},
    {.name = "oifname", .type = &interface_name, .help = "its name", .load = &run::fib_oifname},
    {.name = "type", .type = &fib_address_type, .help = "kind of address: local, unicast...",
     .load = &run::fib_type},
};
constexpr std::string_view kFibModifiers[] = {"saddr", "daddr", "mark", "iif", "oif"};

constexpr Key kSocketKeys[] = {
    {.name = "transparent", .bits = 1, .help = "a transparent socket is there"},
    {.name = "mark", .type = &mark, .help = "mark of the local socket"},
    {.name = "wildcard", .bits = 1, .help = "the socket is bound to any address"},
    {.name = "cgroupv2", .type = &cgroupv2, .help = "control group of the socket"},
};
constexpr Parameter kSocketParameters[] = {{.name = "level", .shape = Shape::number, .help = "depth of the group", .most = 255}};

constexpr Key kOsfKeys[] = {{.name = "name", .type = &string_type, .bits = 128, .help = "operating system by its SYN"},
                            {.name = "version", .type = &string_type, .bits = 128, .help = "with its version"}};
constexpr std::string_view kOsfModifiers[] = {"ttl", "loose", "skip"};

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
                       .modifiers = kRtModifiers};
const Module fib_module{.name = "fib", .form = Form::select, .help = "a look into the routing table", .keys = kFibKeys,
                        .modifiers = kFibModifiers, .load = load_fib};
const Module socket_module{.name = "socket", .form = Form::select, .help = "the local socket", .keys = kSocketKeys,
                           .parameters = kSocketParameters};
const Module osf_module{.name = "osf", .form = Form::select, .help = "operating system's fingerprint", .keys = kOsfKeys,
                        .modifiers = kOsfModifiers};

}  // namespace bulkhead::ruleset