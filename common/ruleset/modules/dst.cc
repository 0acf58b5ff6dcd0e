// IPv6's destination options. RFC 8200 4.6.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kDstKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .help = "next header"},
    {.name = "hdrlength", .bits = 8, .offset_bits = 8, .help = "length in 8 bytes less 1"},
};

}  // namespace

const Module dst_module{.name = "dst", .form = Form::header, .help = "destination options", .families = 4 | 2 | 16 | 32,
    .keys = kDstKeys, .above = {.protocol = 60}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset