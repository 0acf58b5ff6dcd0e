// SCTP's common header. RFC 9260 3.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kSctpKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
    {.name = "vtag", .bits = 32, .offset_bits = 32, .settable = true, .help = "verification tag"},
    {.name = "checksum", .bits = 32, .offset_bits = 64, .settable = true, .help = "CRC32c"},
};

}  // namespace

const Module sctp_module{.name = "sctp", .form = Form::header, .help = "SCTP common header",
    .keys = kSctpKeys, .layer = Layer::transport, .above = {.protocol = 132},
    .whole_checksum = true};

}  // namespace bulkhead::ruleset