// IPv6's header. RFC 8200 3.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kIp6Keys[] = {
    {.name = "version", .bits = 4, .settable = true, .help = "6", .bounds = true},
    {.name = "dscp", .type = &dscp, .offset_bits = 4, .settable = true, .help = "differentiated services code point"},
    {.name = "ecn", .type = &ecn, .offset_bits = 10, .settable = true, .help = "congestion notification"},
    {.name = "flowlabel", .bits = 20, .offset_bits = 12, .settable = true, .help = "flow label"},
    {.name = "length", .bits = 16, .offset_bits = 32, .settable = true, .help = "payload length", .pseudo_header = true},
    {.name = "nexthdr", .type = &inet_protocol, .offset_bits = 48, .settable = true, .help = "next header",
     .tells = Tells::transport, .frames = true, .pseudo_header = true},
    {.name = "hoplimit", .bits = 8, .offset_bits = 56, .settable = true, .help = "hops that are left"},
    {.name = "saddr", .type = &ipv6_address, .offset_bits = 64, .settable = true, .help = "source address",
     .pseudo_header = true},
    {.name = "daddr", .type = &ipv6_address, .offset_bits = 192, .settable = true, .help = "destination address",
     .pseudo_header = true},
};

}  // namespace

const Module ip6_module{.name = "ip6", .form = Form::header, .help = "IPv6 header",
    .keys = kIp6Keys, .layer = Layer::network, .above = {.ether_type = 0x86dd, .nf_protocol = kNfIpv6},
    .given_in = only(Family::ip6)};

}  // namespace bulkhead::ruleset