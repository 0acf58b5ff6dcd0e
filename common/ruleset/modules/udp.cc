// UDP's header. RFC 768.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kUdpKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
    {.name = "length", .bits = 16, .offset_bits = 32, .settable = true, .help = "length of header and data"},
    {.name = "checksum", .bits = 16, .offset_bits = 48, .settable = true, .help = "checksum"},
};

}  // namespace

const Module udp_module{.name = "udp", .form = Form::header, .help = "UDP header",
    .keys = kUdpKeys, .layer = Layer::transport, .above = {.protocol = 17},
    .checksum = 6};

}  // namespace bulkhead::ruleset