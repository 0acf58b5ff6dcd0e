// IPv6's fragment header. RFC 8200 4.5.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kFragKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .help = "next header"},
    {.name = "reserved", .bits = 8, .offset_bits = 8},
    {.name = "frag-off", .bits = 13, .offset_bits = 16, .help = "offset in 8 bytes"},
    {.name = "reserved2", .bits = 2, .offset_bits = 29},
    {.name = "more-fragments", .bits = 1, .offset_bits = 31, .help = "0: the last"},
    {.name = "id", .bits = 32, .offset_bits = 32, .help = "identification"},
};

}  // namespace

const Module frag_module{.name = "frag", .form = Form::header, .help = "fragment header", .families = 4 | 2 | 16 | 32,
    .keys = kFragKeys, .above = {.protocol = 44}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset