// IPv4's options, by name and field. RFC 791 3.1, 2113.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/run/option.h"

namespace bulkhead::ruleset {
namespace {

constexpr Key kIpOptionKeys[] = {
    {.name = "lsrr", .type = &boolean_type, .number = 131},
    {.name = "lsrr type", .bits = 8, .offset_bits = 0, .number = 131},
    {.name = "lsrr length", .bits = 8, .offset_bits = 8, .number = 131},
    {.name = "lsrr ptr", .bits = 8, .offset_bits = 16, .number = 131},
    {.name = "lsrr addr", .bits = 32, .offset_bits = 24, .number = 131},
    {.name = "rr", .type = &boolean_type, .number = 7},
    {.name = "rr type", .bits = 8, .offset_bits = 0, .number = 7},
    {.name = "rr length", .bits = 8, .offset_bits = 8, .number = 7},
    {.name = "rr ptr", .bits = 8, .offset_bits = 16, .number = 7},
    {.name = "rr addr", .bits = 32, .offset_bits = 24, .number = 7},
    {.name = "ssrr", .type = &boolean_type, .number = 137},
    {.name = "ssrr type", .bits = 8, .offset_bits = 0, .number = 137},
    {.name = "ssrr length", .bits = 8, .offset_bits = 8, .number = 137},
    {.name = "ssrr ptr", .bits = 8, .offset_bits = 16, .number = 137},
    {.name = "ssrr addr", .bits = 32, .offset_bits = 24, .number = 137},
    {.name = "ra", .type = &boolean_type, .number = 148},
    {.name = "ra type", .bits = 8, .offset_bits = 0, .number = 148},
    {.name = "ra length", .bits = 8, .offset_bits = 8, .number = 148},
    {.name = "ra value", .bits = 16, .offset_bits = 16, .number = 148},
};

uint8_t load_ip_option(const Expression& select, uint8_t to, Compiler& compiler) {
  compiler.emit(run::ip_option, step_of_option(*select.key, to, select.key->number));
  return 1;
}

}  // namespace

const Module ip_option_module{.name = "ip option", .form = Form::option, .help = "IPv4 option", .families = 1 | 4 | 16 | 32,
    .keys = kIpOptionKeys, .within = &ip_module,
    .check_select = [](Expression& option, Checker& checker) { return checker.inside(ip_module, option.at); }, .load = load_ip_option};

}  // namespace bulkhead::ruleset
