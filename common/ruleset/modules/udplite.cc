// UDP-Lite's header. RFC 3828 3.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kUdpliteKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
    {.name = "csumcov", .bits = 16, .offset_bits = 32, .settable = true, .help = "checksum coverage"},
    {.name = "checksum", .bits = 16, .offset_bits = 48, .settable = true, .help = "checksum"},
};

}  // namespace

const Module udplite_module{.name = "udplite", .form = Form::header, .help = "UDP-Lite header",
    .keys = kUdpliteKeys, .layer = Layer::transport, .above = {.protocol = 136},
    .checksum = 6};

}  // namespace bulkhead::ruleset