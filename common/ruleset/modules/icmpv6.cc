// ICMPv6. RFC 4443, 4861, 2710.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Messages kIcmpv6Echo{{128, 129}, 128};
constexpr Key kIcmpv6Keys[] = {
    {.name = "type", .type = &icmpv6_type, .settable = true, .help = "message type", .tells = Tells::message},
    {.name = "code", .type = &icmpv6_code, .offset_bits = 8, .settable = true, .help = "code"},
    {.name = "checksum", .bits = 16, .offset_bits = 16, .settable = true, .help = "checksum"},
    {.name = "param-problem", .bits = 32, .offset_bits = 32, .settable = true, .help = "pointer of a parameter problem",
     .messages = {{4, -1}, 4}},
    {.name = "mtu", .bits = 32, .offset_bits = 32, .settable = true, .help = "of packet-too-big", .messages = {{2, -1}, 2}},
    {.name = "id", .bits = 16, .offset_bits = 32, .settable = true, .help = "of an echo", .messages = kIcmpv6Echo},
    {.name = "sequence", .bits = 16, .offset_bits = 48, .settable = true, .help = "of an echo", .messages = kIcmpv6Echo},
    {.name = "max-delay", .bits = 16, .offset_bits = 32, .settable = true, .help = "maximum response delay of a multicast listener query",
     .messages = {{130, -1}, 130}},
};

}  // namespace

const Module icmpv6_module{.name = "icmpv6", .form = Form::header, .help = "ICMPv6 header", .keys = kIcmpv6Keys,
    .layer = Layer::transport, .above = {.nf_protocol = kNfIpv6, .protocol = 58}, .checksum = 2};

}  // namespace bulkhead::ruleset