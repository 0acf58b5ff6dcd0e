// common/ruleset/compile/compile_hooks.cc: where base chains stand, of compile.h; and which no packet of this wiring meets, of hooks.h.
#include <algorithm>

#include "common/ruleset/compile/compile.h"
#include "common/ruleset/compile/hooks.h"
#include "common/ruleset/tree/module.h"

namespace bulkhead::ruleset {
namespace {

constexpr int32_t kReassembly = -400, kConntrack = -200, kNatDestination = -100, kNatSource = 100;  // NF_IP_PRI_*
constexpr int32_t kBridgeNetfilter = 0;  // NF_BR_PRI_BRNF: where a bridge's packets meet the hooks of IP

constexpr uint8_t kIp = only(Family::ip) | only(Family::ip6) | only(Family::inet);

/// Where tables of these families meet packets.
struct Meeting {
  uint8_t families, hooks;
  bool routed, bridged;
};
constexpr Meeting kMeetings[] = {
    // families                    hooks                                                     router  bridge
    {kIp,                          Hook::prerouting | Hook::forward | Hook::postrouting,     true,   true},
    {kIp,                          Hook::input | Hook::output,                               true,   false},
    {only(Family::inet),           Hook::ingress,                                            true,   true},
    {only(Family::netdev),         Hook::ingress | Hook::egress,                             true,   true},
    {only(Family::bridge),         Hook::prerouting | Hook::input | Hook::forward | Hook::postrouting, false, true},
    {only(Family::arp),            Hook::input,                                              true,   false},
};

/// Bits of module.h, by At.
constexpr std::array<uint8_t, static_cast<size_t>(At::count)> kHookBits{Hook::prerouting, Hook::input, Hook::forward, Hook::output,
                                                                       Hook::postrouting, Hook::ingress, Hook::egress};

bool meets(Wiring wiring, std::string_view family, At hook) {
  return std::ranges::any_of(kMeetings, [&](const Meeting& row) {
    bool const there = (row.families & bit_of(family)) != 0 && (row.hooks & kHookBits[static_cast<size_t>(hook)]) != 0;
    return there && (wiring == Wiring::router ? row.routed : row.bridged);
  });
}

std::optional<At> hook_of(const Base& base) {
  auto const name = std::ranges::find(kHookNames, base.hook);
  return name == kHookNames.end() ? std::nullopt : std::optional(static_cast<At>(name - kHookNames.begin()));
}

bool is_of(std::string_view family, Sort sort) {
  if (family == "ip") return sort == Sort::ipv4;
  if (family == "ip6") return sort == Sort::ipv6;
  if (family == "inet") return sort == Sort::ipv4 || sort == Sort::ipv6;
  return family != "arp" || sort == Sort::arp;
}

/// At which hooks the source is translated, not the destination.
bool is_source(At hook) { return hook == At::input || hook == At::postrouting; }

/// A bridge's chains stand before (-1) or behind (1) those of IP, whose priorities are others.
int side_of_ip(const CompiledChain& chain, At hook) {
  if (chain.family != "bridge") return 0;
  bool const around = hook == At::prerouting || hook == At::forward;
  return around && chain.priority > kBridgeNetfilter ? 1 : -1;
}

using Standing = std::pair<int, int32_t>;  // side of IP, priority

Standing standing_of(const Program& program, uint32_t chain, At hook) {
  if (chain == kNatPoint) return {0, is_source(hook) ? kNatSource : kNatDestination};
  return {side_of_ip(program.chains[chain], hook), program.chains[chain].priority};
}

/// Of the same priority the one that was added last comes first.
void insert(const Program& program, std::vector<uint32_t>& chains, uint32_t chain, At hook) {
  Standing const own = standing_of(program, chain, hook);
  auto const behind = std::ranges::find_if(chains, [&](uint32_t other) { return standing_of(program, other, hook) >= own; });
  chains.insert(behind, chain);
}

std::string described(const Table& table, const Chain& chain) { return fmt::format("chain {} {} {}", table.family, table.name, chain.name); }

/// What a chain's devices lack; empty: nothing.
std::string missing_devices(const Base& base, const Compiler::World& world) {
  std::string missing;
  for (const std::string& device : base.devices)
    if (!world.interfaces.contains(device)) missing += (missing.empty() ? "" : ", ") + device;
  return missing;
}

}  // namespace

/// What its place says of it.
void Compiler::settle(const Base& base, CompiledChain& chain) const {
  At const hook = *hook_of(base);
  bool const bridge = chain.family == "bridge", on_device = hook == At::ingress || hook == At::egress;
  chain.link = bridge || on_device || chain.family == "arp";
  if (hook == At::ingress) {
    chain.early = chain.pieces = chain.padded = true;
  } else if (bridge && hook == At::prerouting) {
    // Conntrack stands among a bridge's chains where one of them asks for it; otherwise where those of IP are.
    chain.early = bridge_tracks_ ? base.priority < kConntrack : base.priority <= kBridgeNetfilter;
    chain.pieces = chain.padded = chain.early;
  } else if (!chain.link && base.type != "nat") {
    // A chain of conntrack's own priority was added later, so it runs first.
    chain.early = base.priority <= kConntrack && (hook == At::prerouting || hook == At::output);
    chain.pieces = base.priority <= kReassembly && hook == At::prerouting;
  }
  chain.hides_in = bridge && hook == At::postrouting;
  if (!on_device) return;
  chain.devices = 0;
  for (const std::string& device : base.devices)
    if (auto const found = world_.interfaces.find(device); found != world_.interfaces.end() && found->second <= 64)
      chain.devices |= uint64_t{1} << (found->second - 1);
}

void Compiler::hook(const Base& base, uint32_t index) {
  auto const hook = hook_of(base);
  CompiledChain& chain = program_.chains[index];
  bool const nat = base.type == "nat";
  program_.translates |= nat;
  if (!hook || !meets(world_.wiring, chain.family, *hook)) return;
  settle(base, chain);
  program_.early |= chain.early && *hook != At::output;
  program_.pieces |= chain.pieces;
  program_.links |= chain.link;
  for (size_t sort = 0; sort < static_cast<size_t>(Sort::count); ++sort) {
    if (!is_of(chain.family, static_cast<Sort>(sort))) continue;
    insert(program_, (nat ? program_.nat : program_.hooks)[static_cast<size_t>(*hook)][sort], index, *hook);
    // The first chain of type nat brings all four points, each at its own priority whatever the chain says.
    for (At const at : {At::prerouting, At::input, At::output, At::postrouting}) {
      auto& chains = program_.hooks[static_cast<size_t>(at)][sort];
      if (nat && std::ranges::find(chains, kNatPoint) == chains.end()) insert(program_, chains, kNatPoint, at);
    }
  }
}

std::vector<std::string> unmet(const Ruleset& ruleset, const Compiler::World& world) {
  std::vector<std::string> all;
  std::string_view const wiring = world.wiring == Wiring::router ? "router" : "bridge";
  for (const Table& table : ruleset.tables) {
    bool const ip = (bit_of(table.family) & kIp) != 0;
    size_t bases = 0, met = 0;
    for (const Chain& chain : table.chains) {
      if (!chain.base || table.dormant) continue;
      ++bases;
      auto const hook = hook_of(*chain.base);
      if (hook && meets(world.wiring, table.family, *hook)) {
        ++met;
        std::string const missing = missing_devices(*chain.base, world);
        if (!missing.empty()) all.push_back(fmt::format("{}: no interface of this replay is called {}", described(table, chain), missing));
      } else if (!ip) {
        all.push_back(fmt::format("{}: no packet of a {} in a replay comes to hook {} of family {}", described(table, chain), wiring, chain.base->hook, table.family));
      }
    }
    if (ip && bases != 0 && met == 0)
      all.push_back(fmt::format("table {} {}: no packet of a {} in a replay comes to its chains", table.family, table.name, wiring));
  }
  return all;
}

}  // namespace bulkhead::ruleset
