// `meta KEY`: what is known of a packet beside its bytes; some keys may stand alone.
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/make_numbers.h"
#include "common/ruleset/run/run.h"
#include "common/ruleset/run/select.h"

namespace bulkhead::ruleset {
namespace {

constexpr uint8_t kBridges = only(Family::bridge);

constexpr Key kMetaKeys[] = {
    {.name = "length", .bits = 32, .help = "length of the packet in bytes", .load = &run::meta_length},
    {.name = "protocol", .type = &ether_type, .help = "Ethernet protocol", .tells = Tells::ethertype,
     .load = &run::meta_protocol},
    {.name = "nfproto", .type = &nf_protocol, .help = "ipv4 or ipv6", .tells = Tells::family,
     .families = only(Family::inet), .elsewhere = "meta nfproto is only useful in the inet family", .load = &run::meta_nfproto},
    {.name = "l4proto", .type = &inet_protocol, .help = "transport protocol", .tells = Tells::transport,
     .load = &run::meta_l4proto},
    {.name = "priority", .type = &class_id, .settable = true, .help = "traffic class", .load = &run::meta_priority,
     .store = &run::set_priority},
    {.name = "random", .bits = 32, .help = "a random number", .load = &run::random},
    {.name = "mark", .type = &mark, .settable = true, .bare = true, .help = "packet mark", .load = &run::meta_mark,
     .store = &run::set_mark},
    {.name = "iif", .type = &interface_index, .bare = true, .bare_print = true, .help = "input interface",
     .load = &run::meta_iif},
    {.name = "iifname", .type = &interface_name, .bare = true, .bare_print = true, .help = "input interface's name",
     .load = &run::meta_iifname},
    {.name = "iiftype", .type = &interface_type, .bare = true, .help = "input interface's hardware",
     .load = &run::meta_iiftype},
    {.name = "oif", .type = &interface_index, .bare = true, .bare_print = true, .help = "output interface",
     .load = &run::meta_oif},
    {.name = "oifname", .type = &interface_name, .bare = true, .bare_print = true, .help = "output interface's name",
     .load = &run::meta_oifname},
    {.name = "oiftype", .type = &interface_type, .bare = true, .help = "output interface's hardware",
     .load = &run::meta_oiftype},
    {.name = "skuid", .type = &user_id, .bare = true, .help = "user of the local socket", .load = &run::absent},
    {.name = "skgid", .type = &group_id, .bare = true, .help = "group of the local socket", .load = &run::absent},
    {.name = "nftrace", .bits = 1, .settable = true, .bare = true, .help = "1: trace this packet", .write_only = true,
     .store = &run::ignored},
    {.name = "rtclassid", .type = &realm, .bare = true, .help = "routing realm"},
    {.name = "secmark", .bits = 32, .settable = true, .help = "security mark", .object = "secmark"},
    {.name = "ibrname", .type = &interface_name, .help = "bridge of the input interface", .families = kBridges},
    {.name = "obrname", .type = &interface_name, .help = "bridge of the output interface", .families = kBridges},
    {.name = "pkttype", .type = &packet_type, .settable = true, .bare = true, .help = "unicast, broadcast...",
     .set_hooks = Hook::prerouting | Hook::ingress,
     .load = &run::meta_pkttype},
    {.name = "cpu", .bits = 32, .bare = true, .help = "number of the processor", .load = &run::zero},
    {.name = "iifgroup", .type = &device_group, .bare = true, .bare_print = true, .help = "input interface's group",
     .load = &run::meta_iifgroup},
    {.name = "oifgroup", .type = &device_group, .bare = true, .bare_print = true, .help = "output interface's group",
     .load = &run::meta_oifgroup},
    {.name = "cgroup", .bits = 32, .bare = true, .help = "control group, version 1", .load = &run::absent},
    {.name = "ipsec", .type = &boolean_type, .help = "decrypted by IPsec",
     .hooks = Hook::prerouting | Hook::input | Hook::forward | Hook::ingress, .load = &run::zero},
    {.name = "secpath", .type = &boolean_type, .help = "decrypted by IPsec",
     .hooks = Hook::prerouting | Hook::input | Hook::forward | Hook::ingress, .load = &run::zero},
    {.name = "iifkind", .type = &interface_name, .help = "input interface's kind", .load = &run::absent},
    {.name = "oifkind", .type = &interface_name, .help = "output interface's kind", .load = &run::absent},
    {.name = "ibrpvid", .bits = 16, .help = "bridge port's VLAN", .families = kBridges},
    {.name = "ibrvproto", .type = &ether_type, .help = "bridge's VLAN protocol", .families = kBridges},
    {.name = "time", .type = &packet_time, .help = "when the packet came", .load = &run::meta_time},
    {.name = "day", .type = &day_of_week, .help = "day of the week", .load = &run::meta_day},
    {.name = "hour", .type = &time_of_day, .help = "hour of the day", .load = &run::meta_hour},
    {.name = "sdif", .type = &interface_index, .help = "slave device's interface", .load = &run::zero},
    {.name = "sdifname", .type = &interface_name, .help = "slave device's name", .load = &run::zero},
    {.name = "broute", .bits = 1, .settable = true, .help = "1: route instead of bridging", .families = kBridges, .write_only = true},
};

}  // namespace

const Module meta_module{.name = "meta", .form = Form::select, .help = "what is known of a packet beside its bytes",
                         .keys = kMetaKeys};

}  // namespace bulkhead::ruleset