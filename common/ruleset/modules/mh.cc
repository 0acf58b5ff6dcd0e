// The mobility header. RFC 6275 6.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kMhKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .help = "next header"},
    {.name = "hdrlength", .bits = 8, .offset_bits = 8, .help = "length in 8 bytes less 1"},
    {.name = "type", .type = &mh_type, .offset_bits = 16, .help = "message"},
    {.name = "reserved", .bits = 8, .offset_bits = 24},
    {.name = "checksum", .bits = 16, .offset_bits = 32, .help = "checksum"},
};

}  // namespace

const Module mh_module{.name = "mh", .form = Form::header, .help = "mobility header", .families = 4 | 2 | 16 | 32,
    .keys = kMhKeys, .above = {.protocol = 135}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset