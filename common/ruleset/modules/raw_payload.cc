// `@th,16,32`: bits of a packet by base, offset and length.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kKeys[] = {{.name = "ll", .settable = true, .help = "from the link header", .load = &run::link_field},
                         {.name = "nh", .settable = true, .help = "from the network header", .load = &run::network_field},
                         {.name = "th", .settable = true, .help = "from the transport header", .load = &run::transport_field},
                         {.name = "ih", .settable = true, .help = "from the transport's payload", .load = &run::transport_field}};

uint8_t load(const Expression& select, uint8_t to, Compiler& compiler) {
  compiler.emit(*select.key->load, {.to = to, .bits = select.bits, .offset = static_cast<uint32_t>(select.number)});
  return 1;
}

}  // namespace

const Module raw_payload_module{.name = "@", .form = Form::special, .help = "bits by base, offset and length", .keys = kKeys,
                                .load = load};

}  // namespace bulkhead::ruleset