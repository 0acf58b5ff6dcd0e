// What IPv6's routing headers of some types have behind the common part. RFC 2460 4.4 (type 0), 8754 2 (segments). The type is not asked
// for, as in the kernel: a rule that means one says `rt type 4` too.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kRt0Keys[] = {
    {.name = "addr[1]", .type = &ipv6_address, .offset_bits = 64, .help = "first address"},
    {.name = "addr[2]", .type = &ipv6_address, .offset_bits = 192, .help = "second address"},
};
constexpr Key kSrhKeys[] = {
    {.name = "last-entry", .bits = 8, .offset_bits = 32, .help = "place of the last segment"},
    {.name = "flags", .bits = 8, .offset_bits = 40, .help = "flags"},
    {.name = "tag", .bits = 16, .offset_bits = 48, .help = "tag of a class of packets"},
    {.name = "sid[1]", .type = &ipv6_address, .offset_bits = 64, .help = "first segment"},
    {.name = "sid[2]", .type = &ipv6_address, .offset_bits = 192, .help = "second segment"},
};

}  // namespace

const Module rt0_module{.name = "rt0", .form = Form::header, .help = "routing header of type 0", .families = 4 | 2 | 16 | 32,
    .keys = kRt0Keys, .above = {.protocol = 43}, .within = &ip6_module, .load = load_extension_header};
const Module srh_module{.name = "srh", .form = Form::header, .help = "segment routing header", .families = 4 | 2 | 16 | 32,
    .keys = kSrhKeys, .above = {.protocol = 43}, .within = &ip6_module, .load = load_extension_header};

}  // namespace bulkhead::ruleset
