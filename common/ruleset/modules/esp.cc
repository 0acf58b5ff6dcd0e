// Encapsulating security payload. RFC 4303 2.
#include "common/ruleset/modules/all.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kEspKeys[] = {
    {.name = "spi", .bits = 32, .settable = true, .help = "security parameters index"},
    {.name = "sequence", .bits = 32, .offset_bits = 32, .settable = true, .help = "sequence number"},
};

}  // namespace

const Module esp_module{.name = "esp", .form = Form::header, .help = "encapsulating security payload",
    .keys = kEspKeys, .layer = Layer::transport, .above = {.protocol = 50}};

}  // namespace bulkhead::ruleset