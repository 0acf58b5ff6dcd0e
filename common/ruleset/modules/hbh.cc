// IPv6's hop-by-hop options. RFC 8200 4.3.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kHbhKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .help = "next header"},
    {.name = "hdrlength", .bits = 8, .offset_bits = 8, .help = "length in 8 bytes less 1"},
};

}  // namespace

const Module hbh_module{.name = "hbh", .form = Form::header, .help = "hop-by-hop options", .families = 4 | 2 | 16 | 32,
    .keys = kHbhKeys, .above = {.protocol = 0}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset