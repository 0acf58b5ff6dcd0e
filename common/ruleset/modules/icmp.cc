// ICMP. RFC 792.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Messages kIcmpEcho{{0, 8}, 8};
constexpr Key kIcmpKeys[] = {
    {.name = "type", .type = &icmp_type, .settable = true, .help = "message type", .tells = Tells::message},
    {.name = "code", .type = &icmp_code, .offset_bits = 8, .settable = true, .help = "code"},
    {.name = "checksum", .bits = 16, .offset_bits = 16, .settable = true, .help = "checksum"},
    {.name = "id", .bits = 16, .offset_bits = 32, .settable = true, .help = "of an echo", .messages = kIcmpEcho},
    {.name = "sequence", .bits = 16, .offset_bits = 48, .settable = true, .help = "of an echo", .messages = kIcmpEcho},
    {.name = "gateway", .bits = 32, .offset_bits = 32, .settable = true, .help = "of a redirect", .messages = {{5, -1}, 5}},
    {.name = "mtu", .bits = 16, .offset_bits = 48, .settable = true, .help = "of frag-needed", .messages = {{3, -1}, 3}},
};

}  // namespace

const Module icmp_module{.name = "icmp", .form = Form::header, .help = "ICMP header", .keys = kIcmpKeys,
    .layer = Layer::transport, .above = {.nf_protocol = kNfIpv4, .protocol = 1}, .checksum = 2};

}  // namespace bulkhead::ruleset