// IPv4's header. RFC 791 3.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kIpKeys[] = {
    {.name = "version", .bits = 4, .settable = true, .help = "4", .bounds = true},
    {.name = "hdrlength", .bits = 4, .offset_bits = 4, .settable = true, .help = "header length in 32-bit words",
     .bounds = true},
    {.name = "dscp", .type = &dscp, .offset_bits = 8, .settable = true, .help = "differentiated services code point"},
    {.name = "ecn", .type = &ecn, .offset_bits = 14, .settable = true, .help = "congestion notification"},
    {.name = "length", .bits = 16, .offset_bits = 16, .settable = true, .help = "total length", .pseudo_header = true},
    {.name = "id", .bits = 16, .offset_bits = 32, .settable = true, .help = "identification"},
    {.name = "frag-off", .bits = 16, .offset_bits = 48, .settable = true, .help = "flags and fragment offset",
     .frames = true},
    {.name = "ttl", .bits = 8, .offset_bits = 64, .settable = true, .help = "hops that are left"},
    {.name = "protocol", .type = &inet_protocol, .offset_bits = 72, .settable = true, .help = "protocol behind it",
     .tells = Tells::transport, .frames = true, .pseudo_header = true},
    {.name = "checksum", .bits = 16, .offset_bits = 80, .settable = true, .help = "header checksum"},
    {.name = "saddr", .type = &ipv4_address, .offset_bits = 96, .settable = true, .help = "source address",
     .pseudo_header = true},
    {.name = "daddr", .type = &ipv4_address, .offset_bits = 128, .settable = true, .help = "destination address",
     .pseudo_header = true},
};

}  // namespace

const Module ip_module{.name = "ip", .form = Form::header, .help = "IPv4 header", .keys = kIpKeys, .layer = Layer::network,
    .above = {.ether_type = 0x0800, .nf_protocol = kNfIpv4}, .given_in = only(Family::ip), .checksum = 10};

}  // namespace bulkhead::ruleset