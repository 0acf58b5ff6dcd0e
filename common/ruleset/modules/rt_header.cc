// IPv6's routing header. RFC 8200 4.4.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kRtHeaderKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .help = "next header"},
    {.name = "hdrlength", .bits = 8, .offset_bits = 8, .help = "length in 8 bytes less 1"},
    {.name = "type", .bits = 8, .offset_bits = 16, .help = "routing type"},
    {.name = "seg-left", .bits = 8, .offset_bits = 24, .help = "segments left"},
};

}  // namespace

const Module rt_header_module{.name = "rt", .form = Form::header, .help = "routing header", .families = 4 | 2 | 16 | 32,
    .keys = kRtHeaderKeys, .above = {.protocol = 43}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset