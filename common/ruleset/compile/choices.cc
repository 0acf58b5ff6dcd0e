#include "common/ruleset/compile/choices.h"

#include <algorithm>

namespace bulkhead::ruleset {
namespace {

/// Chains behind the translation of the source, which is the last one.
bool looks_behind(const Program& program, At hook) {
  return std::ranges::any_of(program.hooks[static_cast<size_t>(hook)], [&](const auto& chains) {
    auto const point = std::ranges::find(chains, kNatPoint);
    return point != chains.end() && std::any_of(point + 1, chains.end(), [&](uint32_t chain) { return program.chains[chain].count != 0; });
  });
}

/// A destination's port is not moved unasked, but the identifier of an echo is.
Choices choices_of(const NatTarget& target) {
  if (target.part != packet::Part::destination) return Choices::none;
  constexpr uint16_t kRandom = packet::NatRange::proto_random | packet::NatRange::proto_random_fully | packet::NatRange::proto_offset;
  bool const one = target.ports_from_register ? target.port_register == target.port_end_register
                                              : target.range.min_port == target.range.max_port;
  bool const ports = (target.range.flags & packet::NatRange::proto_specified) != 0 && (!one || (target.range.flags & kRandom) != 0);
  return ports ? Choices::all : Choices::echoes;
}

}  // namespace

Choices choices_of(const Program& program) {
  if (!program.translates) return Choices::none;
  bool const leaving = std::ranges::any_of(program.hooks[static_cast<size_t>(At::egress)], [](const auto& chains) { return !chains.empty(); });
  bool const looked_at = leaving || looks_behind(program, At::postrouting) || looks_behind(program, At::input);
  Choices most = looked_at ? Choices::all : Choices::none;
  for (const NatTarget& target : program.targets) most = std::max(most, choices_of(target));
  return most;
}

}  // namespace bulkhead::ruleset