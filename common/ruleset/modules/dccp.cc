// DCCP's generic header. RFC 4340 5.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kDccpKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
    {.name = "type", .type = &dccp_packet_type, .bits = 4, .offset_bits = 67, .settable = true, .help = "packet type"},
};

}  // namespace

const Module dccp_module{.name = "dccp", .form = Form::header, .help = "DCCP header",
    .keys = kDccpKeys, .layer = Layer::transport, .above = {.protocol = 33}};

}  // namespace bulkhead::ruleset