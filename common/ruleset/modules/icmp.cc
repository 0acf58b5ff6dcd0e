// ICMP. RFC 792.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kKeys[] = {
    {.name = "type", .type = &icmp_type, .settable = true, .help = "message type"},
    {.name = "code", .type = &icmp_code, .offset_bits = 8, .settable = true, .help = "code"},
    {.name = "checksum", .bits = 16, .offset_bits = 16, .settable = true, .help = "checksum"},
    {.name = "id", .bits = 16, .offset_bits = 32, .settable = true, .help = "of an echo"},
    {.name = "sequence", .bits = 16, .offset_bits = 48, .settable = true, .help = "of an echo"},
    {.name = "gateway", .bits = 32, .offset_bits = 32, .settable = true, .help = "of a redirect"},
    {.name = "mtu", .bits = 16, .offset_bits = 48, .settable = true, .help = "of frag-needed"},
};

}  // namespace

const Module icmp_module{.name = "icmp", .form = Form::header, .help = "ICMP header",
    .keys = kKeys, .layer = Layer::transport, .above = {.nf_protocol = 2, .protocol = 1},
    .checksum = 2};

}  // namespace bulkhead::ruleset