// common/ruleset/compile/compile_edits.cc: header fields that rules set, of compile.h.
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/tree/module.h"
#include "common/ruleset/run/edit.h"
#include "common/ruleset/run/option.h"

namespace bulkhead::ruleset {
namespace {

constexpr std::pair<std::string_view, uint8_t> kSums[] = {{"ip", 10}, {"tcp", 16},   {"udp", 6}, {"udplite", 6},
                                                          {"icmp", 2}, {"icmpv6", 2}, {"igmp", 2}};

/// What says how the packet is to be read: it would be another one for everybody behind.
bool is_shape(std::string_view header, std::string_view field) {
  constexpr std::string_view kShape[] = {"version", "hdrlength", "length", "frag-off", "protocol", "nexthdr"};
  return (header == "ip" || header == "ip6") && std::ranges::find(kShape, field) != std::end(kShape);
}

Step edit_of_header(const Module& header, const Key& key) {
  Step step{.bits = key.width(), .offset = key.offset_bits};
  step.run = header.layer == Layer::network ? run::set_network_field : run::set_transport_field;
  auto const sum = std::ranges::find(kSums, header.name, &std::pair<std::string_view, uint8_t>::first);
  if (sum != std::end(kSums)) step.a = sum->second;
  bool const address = header.layer == Layer::network && (key.name == "saddr" || key.name == "daddr");
  step.b = (address ? run::kPseudoHeader : 0U) | (header.name == "sctp" ? run::kSctp : 0U);
  return step;
}

}  // namespace

void Compiler::edit(const Expression& key, const Expression& value) {
  const Module& module = *key.module;
  std::string_view const field = key.key->name;
  Step step;
  if (module.name == "tcp option" && (key.key->width() == 16 || key.key->width() == 32)) {
    step = {.run = run::set_tcp_option, .bits = key.key->width(), .offset = key.key->offset_bits};
    step.a = key.key->number;
  } else if (module.form == Form::header && module.layer != Layer::link && module.layer != Layer::none && !is_shape(module.name, field)) {
    step = edit_of_header(module, *key.key);
  } else {
    return fail(key.at, fmt::format("{} {} set: not supported yet", module.name, field));
  }
  if (load(value, 0) != 1) return;
  if (module.form == Form::header) require(module);
  program_.edits = true;
  bool const option = step.run == run::set_tcp_option;
  program_.sets_tuples |= !option && (module.layer == Layer::transport || (step.b & run::kPseudoHeader) != 0);
  emit(step);
}

}  // namespace bulkhead::ruleset