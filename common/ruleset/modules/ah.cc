// The authentication header. RFC 4302 2.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kAhKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .settable = true, .help = "protocol behind it"},
    {.name = "hdrlength", .bits = 8, .offset_bits = 8, .settable = true, .help = "length in 32-bit words less 2"},
    {.name = "reserved", .bits = 16, .offset_bits = 16, .settable = true},
    {.name = "spi", .bits = 32, .offset_bits = 32, .settable = true, .help = "security parameters index"},
    {.name = "sequence", .bits = 32, .offset_bits = 64, .settable = true, .help = "sequence number"},
};

}  // namespace

const Module ah_module{.name = "ah", .form = Form::header, .help = "authentication header",
    .keys = kAhKeys, .layer = Layer::transport, .above = {.protocol = 51}};

}  // namespace bulkhead::ruleset