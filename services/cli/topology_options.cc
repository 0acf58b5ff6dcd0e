#include "services/cli/topology_options.h"

#include <algorithm>
#include <optional>

#include "services/cli/topology_file.h"

namespace bulkhead::cli {
namespace {

/// "LEFT=RIGHT" at the last '='.
std::optional<std::pair<std::string, std::string>> halves(const std::string& words) {
  size_t const equals = words.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == words.size()) return std::nullopt;
  return std::pair{words.substr(0, equals), words.substr(equals + 1)};
}

tl::unexpected<Error> wrong(const char* option, const std::string& words, const std::string& why) {
  return fail("--{} {}: {}", option, words, why);
}

Status add_address(TopologyBuilder& builder, const std::string& words) {
  auto const parts = halves(words);
  if (!parts) return wrong("addr", words, "wanted: NAME=PREFIX, as lan=10.0.0.1/24");
  auto prefix = parse_prefix(parts->second);
  if (!prefix) return wrong("addr", words, prefix.error().message);
  builder.interface(parts->first).addresses.push_back(*prefix);
  return {};
}

Status add_route(TopologyBuilder& builder, const std::string& words) {
  auto const parts = halves(words);
  if (!parts) return wrong("route", words, "wanted: PREFIX[,VIA]=NAME, as default,203.0.113.1=wan");
  size_t const comma = parts->first.find(',');
  TopologyBuilder::Route route{parts->first.substr(0, comma), "", parts->second, 0};
  if (comma != std::string::npos) route.via = parts->first.substr(comma + 1);
  auto added = builder.add(route);
  if (!added) return wrong("route", words, added.error().message);
  return {};
}

Status add_neighbour(TopologyBuilder& builder, const std::string& words) {
  auto const parts = halves(words);
  if (!parts) return wrong("neigh", words, "wanted: ADDR=MAC");
  auto added = builder.add(TopologyBuilder::Neighbour{parts->first, parts->second, ""});
  if (!added) return wrong("neigh", words, added.error().message);
  return {};
}

Status add_all(TopologyBuilder& builder, const std::vector<std::string>& all,
               Status (*add)(TopologyBuilder&, const std::string&)) {
  for (const auto& words : all)
    if (auto added = add(builder, words); !added) return added;
  return {};
}

}  // namespace

Topology::Interface& TopologyBuilder::interface(const std::string& name) {
  auto& all = topology.interfaces;
  auto const found = std::ranges::find(all, name, &Topology::Interface::name);
  if (found != all.end()) return *found;
  auto const number = static_cast<uint8_t>(all.size() + 1);
  all.push_back({.name = name, .mac = {0x02, 0, 0, 0, 0xff, number}});
  return all.back();
}

Result<uint16_t> TopologyBuilder::device(const std::string& name, const IpAddress& next_to) const {
  const auto& all = topology.interfaces;
  auto const found = std::ranges::find_if(all, [&](const Topology::Interface& interface) {
    if (!name.empty()) return interface.name == name;
    return std::ranges::any_of(interface.addresses, [&](const Prefix& own) { return own.contains(next_to); });
  });
  if (found != all.end()) return static_cast<uint16_t>(found - all.begin());
  if (!name.empty()) return fail("no interface is called '{}'", name);
  return fail("no interface has a network with {} in it", text_of(next_to));
}

Status TopologyBuilder::add(const Route& words) {
  auto destination = parse_prefix(words.destination);
  if (!destination) return tl::unexpected(destination.error());
  IpAddress via;
  if (!words.via.empty()) {
    auto parsed = parse_address(words.via);
    if (!parsed) return tl::unexpected(parsed.error());
    via = *parsed;
  }
  if (words.device.empty() && via.is_none()) return fail("wanted: a gateway, or an interface, or both");
  if (words.destination == "default" && via.l3 == 6) destination->address.l3 = 6;
  auto out = device(words.device, via);
  if (!out) return tl::unexpected(out.error());
  topology.routes.push_back({*destination, via, *out, words.metric});
  return {};
}

Status TopologyBuilder::add(const Neighbour& words) {
  auto address = parse_address(words.address);
  if (!address) return tl::unexpected(address.error());
  auto mac = parse_mac(words.mac);
  if (!mac) return tl::unexpected(mac.error());
  auto out = device(words.device, *address);
  if (!out) return tl::unexpected(out.error());
  topology.neighbours.push_back({*address, *mac, *out});
  return {};
}

Result<Topology> read_topology(const TopologyOptions& options, const std::vector<std::string>& inputs) {
  TopologyBuilder builder;
  for (const auto& name : inputs) builder.interface(name);
  if (!options.file.empty())
    if (auto read = read_topology_file(options.file, builder); !read) return tl::unexpected(read.error());
  if (auto added = add_all(builder, options.addresses, add_address); !added) return tl::unexpected(added.error());
  if (auto added = add_all(builder, options.routes, add_route); !added) return tl::unexpected(added.error());
  if (auto added = add_all(builder, options.neighbours, add_neighbour); !added) return tl::unexpected(added.error());
  if (auto fine = check(builder.topology); !fine) return tl::unexpected(fine.error());
  return std::move(builder.topology);
}

}  // namespace bulkhead::cli
