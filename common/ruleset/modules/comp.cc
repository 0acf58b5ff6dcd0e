// IP payload compression. RFC 3173 3.1.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kCompKeys[] = {
    {.name = "nexthdr", .type = &inet_protocol, .settable = true, .help = "protocol behind it"},
    {.name = "flags", .type = &bitmask_type, .bits = 8, .offset_bits = 8, .settable = true},
    {.name = "cpi", .bits = 16, .offset_bits = 16, .settable = true, .help = "compression parameter index"},
};

}  // namespace

const Module comp_module{.name = "comp", .form = Form::header, .help = "IP payload compression",
    .keys = kCompKeys, .layer = Layer::transport, .above = {.protocol = 108}};

}  // namespace bulkhead::ruleset