// `@th,16,32`: bits of a packet by base, offset and length.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kKeys[] = {{.name = "ll", .settable = true, .help = "from the link header"},
                         {.name = "nh", .settable = true, .help = "from the network header"},
                         {.name = "th", .settable = true, .help = "from the transport header"},
                         {.name = "ih", .settable = true, .help = "from the transport's payload"}};

}  // namespace

const Module raw_payload_module{.name = "@", .form = Form::special, .help = "bits by base, offset and length", .keys = kKeys};

}  // namespace bulkhead::ruleset