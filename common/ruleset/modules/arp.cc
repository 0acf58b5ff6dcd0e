// ARP for IPv4 over Ethernet. RFC 826.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kArpKeys[] = {
    {.name = "htype", .bits = 16, .settable = true, .help = "hardware type"},
    {.name = "ptype", .type = &ether_type, .offset_bits = 16, .settable = true, .help = "protocol type"},
    {.name = "hlen", .bits = 8, .offset_bits = 32, .settable = true, .help = "length of a hardware address"},
    {.name = "plen", .bits = 8, .offset_bits = 40, .settable = true, .help = "length of a protocol address"},
    {.name = "operation", .type = &arp_operation, .offset_bits = 48, .settable = true, .help = "request, reply..."},
    {.name = "saddr ether", .type = &link_address, .offset_bits = 64, .settable = true, .help = "sender's Ethernet address"},
    {.name = "saddr ip", .type = &ipv4_address, .offset_bits = 112, .settable = true, .help = "sender's IPv4 address"},
    {.name = "daddr ether", .type = &link_address, .offset_bits = 144, .settable = true, .help = "target's Ethernet address"},
    {.name = "daddr ip", .type = &ipv4_address, .offset_bits = 192, .settable = true, .help = "target's IPv4 address"},
};

}  // namespace

const Module arp_module{.name = "arp", .form = Form::header, .help = "ARP header",
    .families = 8 | 16 | 32, .keys = kArpKeys, .layer = Layer::network, .above = {.ether_type = 0x0806},
    .given_in = only(Family::arp)};

}  // namespace bulkhead::ruleset