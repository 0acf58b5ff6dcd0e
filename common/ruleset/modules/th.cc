// The ports that all transport protocols have at the same place.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kThKeys[] = {
    {.name = "sport", .type = &inet_service, .settable = true, .help = "source port"},
    {.name = "dport", .type = &inet_service, .offset_bits = 16, .settable = true, .help = "destination port"},
};

}  // namespace

const Module th_module{.name = "th", .form = Form::header, .role = Role::any_transport, .help = "any transport header",
    .keys = kThKeys, .layer = Layer::transport};

}  // namespace bulkhead::ruleset