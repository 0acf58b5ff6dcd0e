// IGMP. RFC 2236 2.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kIgmpKeys[] = {
    {.name = "type", .type = &igmp_type, .settable = true, .help = "message type"},
    {.name = "mrt", .bits = 8, .offset_bits = 8, .settable = true, .help = "maximum response time"},
    {.name = "checksum", .bits = 16, .offset_bits = 16, .settable = true, .help = "checksum"},
    {.name = "group", .bits = 32, .offset_bits = 32, .settable = true, .help = "group address"},
};

}  // namespace

const Module igmp_module{.name = "igmp", .form = Form::header, .help = "IGMP header",
    .keys = kIgmpKeys, .layer = Layer::transport, .above = {.protocol = 2},
    .checksum = 2};

}  // namespace bulkhead::ruleset