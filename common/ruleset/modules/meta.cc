// `meta KEY`: what is known of a packet beside its bytes; some keys may stand alone.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kKeys[] = {
    {.name = "length", .bits = 32, .help = "length of the packet in bytes"},
    {.name = "protocol", .type = &ether_type, .help = "Ethernet protocol", .tells = Tells::ethertype},
    {.name = "nfproto", .type = &nf_protocol, .help = "ipv4 or ipv6", .tells = Tells::family},
    {.name = "l4proto", .type = &inet_protocol, .help = "transport protocol", .tells = Tells::transport},
    {.name = "priority", .type = &class_id, .settable = true, .help = "traffic class"},
    {.name = "random", .bits = 32, .help = "a random number"},
    {.name = "mark", .type = &mark, .settable = true, .bare = true, .help = "packet mark"},
    {.name = "iif", .type = &interface_index, .bare = true, .bare_print = true, .help = "input interface"},
    {.name = "iifname", .type = &interface_name, .bare = true, .bare_print = true, .help = "input interface's name"},
    {.name = "iiftype", .type = &interface_type, .bare = true, .help = "input interface's hardware"},
    {.name = "oif", .type = &interface_index, .bare = true, .bare_print = true, .help = "output interface"},
    {.name = "oifname", .type = &interface_name, .bare = true, .bare_print = true, .help = "output interface's name"},
    {.name = "oiftype", .type = &interface_type, .bare = true, .help = "output interface's hardware"},
    {.name = "skuid", .type = &user_id, .bare = true, .help = "user of the local socket"},
    {.name = "skgid", .type = &group_id, .bare = true, .help = "group of the local socket"},
    {.name = "nftrace", .bits = 1, .settable = true, .bare = true, .help = "1: trace this packet"},
    {.name = "rtclassid", .type = &realm, .bare = true, .help = "routing realm"},
    {.name = "ibrname", .type = &interface_name, .help = "bridge of the input interface"},
    {.name = "obrname", .type = &interface_name, .help = "bridge of the output interface"},
    {.name = "pkttype", .type = &packet_type, .settable = true, .bare = true, .help = "unicast, broadcast..."},
    {.name = "cpu", .bits = 32, .bare = true, .help = "number of the processor"},
    {.name = "iifgroup", .type = &device_group, .bare = true, .bare_print = true, .help = "input interface's group"},
    {.name = "oifgroup", .type = &device_group, .bare = true, .bare_print = true, .help = "output interface's group"},
    {.name = "cgroup", .bits = 32, .bare = true, .help = "control group, version 1"},
    {.name = "ipsec", .type = &boolean_type, .help = "decrypted by IPsec"},
    {.name = "secpath", .type = &boolean_type, .help = "decrypted by IPsec"},
    {.name = "iifkind", .type = &interface_name, .help = "input interface's kind"},
    {.name = "oifkind", .type = &interface_name, .help = "output interface's kind"},
    {.name = "ibrpvid", .bits = 16, .help = "bridge port's VLAN"},
    {.name = "ibrvproto", .type = &ether_type, .help = "bridge's VLAN protocol"},
    {.name = "time", .type = &packet_time, .help = "when the packet came"},
    {.name = "day", .type = &day_of_week, .help = "day of the week"},
    {.name = "hour", .type = &time_of_day, .help = "hour of the day"},
    {.name = "sdif", .type = &interface_index, .help = "slave device's interface"},
    {.name = "sdifname", .type = &interface_name, .help = "slave device's name"},
    {.name = "broute", .bits = 1, .settable = true, .help = "1: route instead of bridging"},
};

}  // namespace

const Module meta_module{.name = "meta", .form = Form::select, .help = "what is known of a packet beside its bytes",
                         .keys = kKeys};

}  // namespace bulkhead::ruleset