// Whether a packet has an IPv6 extension header at all.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kKeys[] = {
    {.name = "hbh", .type = &boolean_type, .number = 0},
    {.name = "rt", .type = &boolean_type, .number = 43},
    {.name = "frag", .type = &boolean_type, .number = 44},
    {.name = "dst", .type = &boolean_type, .number = 60},
    {.name = "mh", .type = &boolean_type, .number = 135},
};

}  // namespace

const Module exthdr_module{.name = "exthdr", .form = Form::header, .role = Role::presence, .help = "IPv6 extension header present",
    .families = 4 | 2 | 16 | 32, .keys = kKeys, .within = &ip6_module};

}  // namespace bulkhead::ruleset