// Whether a packet has an IPv6 extension header at all.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/option.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kExthdrKeys[] = {
    {.name = "hbh", .type = &boolean_type, .number = 0},
    {.name = "rt", .type = &boolean_type, .number = 43},
    {.name = "frag", .type = &boolean_type, .number = 44},
    {.name = "dst", .type = &boolean_type, .number = 60},
    {.name = "mh", .type = &boolean_type, .number = 135},
};

}  // namespace

uint8_t load_extension_header(const Expression& select, uint8_t to, Compiler& compiler) {
  int16_t const protocol = select.module->above.protocol;
  compiler.emit(run::ip6_header, step_of_option(*select.key, to, protocol >= 0 ? static_cast<uint8_t>(protocol) : select.key->number));
  return 1;
}

Step step_of_option(const Key& key, uint8_t to, uint8_t number) {
  Step step{.to = to, .bits = key.width(), .offset = key.offset_bits};
  step.a = number;
  step.b = key.type == &boolean_type ? 1 : 0;
  return step;
}

const Module exthdr_module{.name = "exthdr", .form = Form::header, .role = Role::presence,
    .help = "IPv6 extension header present", .families = 4 | 2 | 16 | 32, .keys = kExthdrKeys, .within = &ip6_module,
    .load = load_extension_header};

}  // namespace bulkhead::ruleset