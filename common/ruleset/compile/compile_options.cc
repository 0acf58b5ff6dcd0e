// common/ruleset/compile/compile_options.cc: what has to be looked for, of compile.h: TCP and IPv4 options, IPv6 extension headers, routes.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/tree/data_type.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/run/fib.h"
#include "common/ruleset/run/option.h"

namespace bulkhead::ruleset {

uint8_t Compiler::load_option(const Expression& select, uint8_t to) {
  const Module& module = *select.module;
  const Key& key = *select.key;
  Step step{.to = to, .bits = key.width(), .offset = key.offset_bits};
  step.a = module.above.protocol >= 0 ? static_cast<Number>(module.above.protocol) : key.number;
  step.b = key.type == &boolean_type ? 1 : 0;
  step.run = module.name == "tcp option" ? run::tcp_option : module.name == "ip option" ? run::ip_option : run::ip6_header;
  if (step.run == run::ip6_header && module.form == Form::option)
    return fail(select.at, fmt::format("{} {}: not supported yet", module.name, key.name)), uint8_t{0};
  emit(step);
  return 1;
}

uint8_t Compiler::load_route(const Expression& select, uint8_t to) {
  std::string_view const key = select.key->name;
  Step step{.to = to};
  if (select.module->name == "rt") {
    if (select.module->form != Form::select || key != "mtu")
      return fail(select.at, fmt::format("rt {}: not supported yet", key)), uint8_t{0};
    step.run = run::route_mss;
    emit(step);
    return 1;
  }
  step.run = key == "type" ? run::fib_type : key == "oif" ? run::fib_oif : run::fib_oifname;
  for (auto const& [name, bit] : {std::pair{"daddr", run::ask_destination}, {"iif", run::ask_in}, {"oif", run::ask_out}})
    if (select.argument(name) != nullptr) step.offset |= bit;
  if (key != "type" && select.type == &boolean_type) step.offset |= run::ask_presence;
  emit(step);
  return 1;
}

}  // namespace bulkhead::ruleset