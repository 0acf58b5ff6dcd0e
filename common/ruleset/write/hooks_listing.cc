#include "common/ruleset/write/hooks_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace bulkhead::ruleset {
namespace {

constexpr std::string_view kHookFamilies[] = {"ip", "ip6", "bridge", "arp", "netdev"};
constexpr std::string_view kHookNames[] = {"ingress", "prerouting", "input", "forward", "output", "postrouting", "egress"};

struct Hooked {
  const Table* table;
  const Chain* chain;
};

/// At a hook of `family`; `device` is empty where hooks have none.
bool stands_at(const Hooked& one, std::string_view family, std::string_view hook, const std::string& device) {
  const Base& base = *one.chain->base;
  if (base.hook != hook) return false;
  if (family == "netdev") return std::ranges::find(base.devices, device) != base.devices.end();
  bool const both = one.table->family == "inet" && (family == "ip" || family == "ip6");
  return base.devices.empty() && (both || one.table->family == family);
}

std::vector<std::string> devices_of(const std::vector<Hooked>& all) {
  std::vector<std::string> devices;
  for (const Hooked& one : all) devices.insert(devices.end(), one.chain->base->devices.begin(), one.chain->base->devices.end());
  std::ranges::sort(devices);
  devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
  return devices;
}

/// Of one priority the one that was added last comes first (nf_hook_entries_grow).
std::vector<Hooked> in_order(const std::vector<Hooked>& all, std::string_view family, std::string_view hook, const std::string& device) {
  std::vector<Hooked> here;
  for (auto one = all.rbegin(); one != all.rend(); ++one)
    if (stands_at(*one, family, hook, device)) here.push_back(*one);
  std::ranges::stable_sort(here, {}, [](const Hooked& one) { return one.chain->base->priority; });
  return here;
}

std::string line_of(const Hooked& one) {
  int32_t const priority = one.chain->base->priority;
  std::string const number = priority < 0 ? fmt::format("{:011d}", priority) : fmt::format("{}{:010d}", priority == 0 ? ' ' : '+', priority);
  return fmt::format("\t\t{} chain {} {} {}\n", number, one.table->family, one.table->name, one.chain->name);
}

std::string family_hooks(const std::vector<Hooked>& all, std::string_view family) {
  std::string text;
  std::vector<std::string> const devices = family == "netdev" ? devices_of(all) : std::vector<std::string>{""};
  for (const std::string& device : devices)
    for (std::string_view const hook : kHookNames) {
      auto const here = in_order(all, family, hook, device);
      if (here.empty()) continue;
      text += fmt::format("\thook {}{}{} {{\n", hook, device.empty() ? "" : " device ", device);
      for (const Hooked& one : here) text += line_of(one);
      text += "\t}\n";
    }
  return text;
}

}  // namespace

std::string list_hooks(const Ruleset& ruleset, const Command& list) {
  std::vector<Hooked> all;
  for (const Table& table : ruleset.tables)
    for (const Chain& chain : table.chains)
      if (chain.base) all.push_back({&table, &chain});
  std::string text;
  for (std::string_view const family : kHookFamilies) {
    bool const asked = list.family.empty() || list.family == family || (list.family == "inet" && family.starts_with("ip"));
    std::string const hooks = asked ? family_hooks(all, family) : std::string();
    if (!hooks.empty()) text += fmt::format("family {} {{\n{}}}\n", family, hooks);
  }
  return text;
}

}  // namespace bulkhead::ruleset
