#include "common/base/topology.h"

#include <algorithm>
#include <map>
#include <set>

namespace bulkhead {
namespace {

constexpr uint8_t kLinkLocalLength = 64;

IpAddress last_of(const Prefix& prefix) {
  IpAddress address = prefix.network().address;
  for (unsigned bit = prefix.length; bit < address.size() * 8; ++bit)
    address.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
  return address;
}

Prefix whole(const IpAddress& address) { return {address, static_cast<uint8_t>(address.size() * 8)}; }

bool is_group(const IpAddress& address) {
  return address.l3 == 4 ? (address.bytes[0] & 0xf0) == 0xe0 : address.bytes[0] == 0xff;
}

Status check_interfaces(const Topology& topology) {
  std::map<IpAddress, std::string> owners;
  for (const auto& interface : topology.interfaces) {
    if (interface.mtu < 68 || interface.mtu > 65535)
      return fail("interface {}: mtu is {}, wanted: 68 to 65535", interface.name, interface.mtu);
    if ((interface.mac[0] & 1) != 0)
      return fail("interface {}: {} is a group's MAC address", interface.name, text_of(interface.mac));
    for (const Prefix& own : interface.addresses) {
      if (is_group(own.address) || own.address == IpAddress{{}, own.address.l3})
        return fail("interface {}: {} cannot be an interface's address", interface.name, text_of(own));
      auto const [there, fresh] = owners.emplace(own.address, interface.name);
      if (!fresh)
        return fail("address {} is there twice: on {} and on {}", text_of(own.address), there->second, interface.name);
    }
    for (const IpAddress& group : interface.groups)
      if (!is_group(group)) return fail("interface {}: {} is no group's address", interface.name, text_of(group));
  }
  return {};
}

/// Some connected network of `device` must hold what is said to be next to it.
bool is_next_to(const Topology& topology, uint16_t device, const IpAddress& address) {
  if (Prefix{link_local_address({}), kLinkLocalLength}.contains(address)) return true;
  const auto& own = topology.interfaces[device].addresses;
  return std::ranges::any_of(own, [&](const Prefix& prefix) { return prefix.contains(address); });
}

Status check_routes(const Topology& topology) {
  std::set<std::tuple<Prefix, uint32_t>> seen;
  for (const auto& route : topology.routes) {
    std::string const text = text_of(route.destination);
    if (route.device >= topology.interfaces.size()) return fail("route {}: no such interface", text);
    if (route.destination.network() != route.destination)
      return fail("route {}: bits beyond the length are set; wanted: {}", text, text_of(route.destination.network()));
    if (!seen.emplace(route.destination, route.metric).second) return fail("route {} is there twice", text);
    if (route.via.is_none()) continue;
    const auto& name = topology.interfaces[route.device].name;
    if (route.via.l3 != route.destination.address.l3)
      return fail("route {} via {}: two families", text, text_of(route.via));
    if (!is_next_to(topology, route.device, route.via))
      return fail("route {} via {}: nowhere: no network of {} has that address", text, text_of(route.via), name);
  }
  return {};
}

Status check_neighbours(const Topology& topology) {
  std::set<std::pair<uint16_t, IpAddress>> seen;
  for (const auto& neighbour : topology.neighbours) {
    std::string const text = text_of(neighbour.address);
    if (neighbour.device >= topology.interfaces.size()) return fail("neighbour {}: no such interface", text);
    if (!is_next_to(topology, neighbour.device, neighbour.address))
      return fail("neighbour {}: no network of {} has that address", text,
                  topology.interfaces[neighbour.device].name);
    if (!seen.emplace(neighbour.device, neighbour.address).second) return fail("neighbour {} is there twice", text);
  }
  return {};
}

}  // namespace

IpAddress link_local_address(const Mac& mac) noexcept {
  IpAddress address{{0xfe, 0x80}, 6};
  std::array<uint8_t, 8> const id{static_cast<uint8_t>(mac[0] ^ 2), mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
  std::ranges::copy(id, address.bytes.begin() + 8);
  return address;
}

bool is_link_local(const IpAddress& address) noexcept {
  return address.l3 == 6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

namespace {

/// ff02::1:ff00:0/104 with the address' last three bytes (RFC 4291 2.7.1).
IpAddress solicited_node(const IpAddress& address) {
  IpAddress group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}, 6};
  std::copy(address.bytes.begin() + 13, address.bytes.end(), group.bytes.begin() + 13);
  return group;
}

IpAddress group6(uint8_t scope, uint8_t last) { return {{0xff, scope, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}, 6}; }

/// The subnet's router address is one of the router's too, and so is its solicited node.
std::vector<IpAddress> groups_of(const Topology::Interface& interface) {
  std::vector<IpAddress> groups = interface.groups;
  groups.push_back({{224, 0, 0, 1}, 4});
  groups.insert(groups.end(), {group6(2, 1), group6(2, 2), group6(5, 2)});
  std::vector<Prefix> own = interface.addresses;
  own.push_back({link_local_address(interface.mac), kLinkLocalLength});
  for (const Prefix& one : own) {
    if (one.address.l3 != 6) continue;
    groups.push_back(solicited_node(one.address));
    if (one.length < 127) groups.push_back(solicited_node(one.network().address));
  }
  std::ranges::sort(groups);
  return groups;
}

}  // namespace

Status check(const Topology& topology) {
  size_t ways = topology.routes.size();
  for (const auto& interface : topology.interfaces) ways += 4 * interface.addresses.size() + 2;
  if (ways > Routes::kMost) return fail("{} routes and addresses, {} at most", ways, Routes::kMost);
  if (auto fine = check_interfaces(topology); !fine) return fine;
  if (auto fine = check_routes(topology); !fine) return fine;
  return check_neighbours(topology);
}

Routes::Routes(const Topology& topology) : nodes_(2) {
  auto const devices = static_cast<uint16_t>(topology.interfaces.size());
  // A later one replaces an earlier one of the same prefix, so the best comes last; local ones last of all.
  std::vector<Topology::Route> sorted = topology.routes;
  std::ranges::stable_sort(sorted, std::greater<>{}, &Topology::Route::metric);
  for (const auto& route : sorted) add(route.destination, {Way::Kind::unicast, 0, route.device, route.via});
  for (uint16_t device = 0; device < devices; ++device) {
    const auto& interface = topology.interfaces[device];
    addresses_.push_back(interface.addresses);
    link_sources_.push_back(link_local_address(interface.mac));
    groups_.push_back(groups_of(interface));
    for (const Prefix& own : interface.addresses) add(own.network(), {Way::Kind::unicast, 0, device, {}});
    link_local_.push_back(add({link_local_address({}), kLinkLocalLength}, {Way::Kind::unicast, 0, device, {}}));
  }
  for (uint16_t device = 0; device < devices; ++device) {
    for (const Prefix& own : topology.interfaces[device].addresses) {
      if (own.address.l3 != 4 || own.length > 30) continue;
      add(whole(last_of(own)), {Way::Kind::broadcast, 0, device, {}});
    }
  }
  add({{{255, 255, 255, 255}, 4}, 32}, {Way::Kind::broadcast, 0, 0, {}});
  add({{{224}, 4}, 4}, {Way::Kind::broadcast, 0, 0, {}});
  add({{{0xff}, 6}, 8}, {Way::Kind::broadcast, 0, 0, {}});
  add({{{127}, 4}, 8}, {Way::Kind::local, 0, 0, {}});
  add(whole({{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 6}), {Way::Kind::local, 0, 0, {}});
  for (uint16_t device = 0; device < devices; ++device) {
    add(whole(Prefix{link_local_address({}), kLinkLocalLength}.network().address), {Way::Kind::anycast, 0, device, {}});
    for (const Prefix& own : topology.interfaces[device].addresses)
      if (own.address.l3 == 6 && own.length < 127) add(whole(own.network().address), {Way::Kind::anycast, 0, device, {}});
  }
  for (uint16_t device = 0; device < devices; ++device) {
    for (const Prefix& own : topology.interfaces[device].addresses)
      add(whole(own.address), {Way::Kind::local, 0, device, {}});
    add(whole(link_local_address(topology.interfaces[device].mac)), {Way::Kind::local, 0, device, {}});
  }
}

namespace {

constexpr unsigned kStride = 4;
unsigned step_of(const IpAddress& address, unsigned step) noexcept {
  return address.bytes[step / 2] >> (step % 2 == 0 ? 4 : 0) & 15;
}

}  // namespace

uint16_t Routes::add(const Prefix& prefix, const Way& way) {
  uint32_t at = prefix.address.l3 == 4 ? 0 : 1;
  unsigned left = prefix.length, step = 0;
  for (; left > kStride; left -= kStride, ++step) {
    unsigned const slot = step_of(prefix.address, step);
    if (nodes_[at].next[slot] == 0) {
      auto const fresh = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      nodes_[at].next[slot] = fresh;
    }
    at = nodes_[at].next[slot];
  }
  auto const number = static_cast<uint16_t>(ways_.size());
  ways_.push_back(way);
  ways_.back().length = prefix.length;
  unsigned const same = 1U << (kStride - left);
  unsigned const first = step_of(prefix.address, step) & ~(same - 1);
  Node& node = nodes_[at];
  for (unsigned slot = first; slot < first + same; ++slot) {
    if (node.leaf[slot] != 0 && node.length[slot] > prefix.length) continue;
    node.leaf[slot] = number;
    node.length[slot] = prefix.length;
  }
  return number;
}

uint16_t Routes::number_to(const IpAddress& destination) const noexcept {
  if (destination.is_none()) return 0;
  const Node* node = &nodes_[destination.l3 == 4 ? 0 : 1];
  uint16_t best = 0;
  auto const steps = static_cast<unsigned>(destination.size() * 2);
  for (unsigned step = 0; step < steps; ++step) {
    unsigned const slot = step_of(destination, step);
    if (node->leaf[slot] != 0) best = node->leaf[slot];
    if (node->next[slot] == 0) break;
    node = &nodes_[node->next[slot]];
  }
  return best;
}

uint16_t Routes::number_to(const IpAddress& destination, uint16_t device) const noexcept {
  uint16_t const number = number_to(destination);
  bool const there = is_link_local(destination) && way(number).kind == Way::Kind::unicast;
  return there && device < link_local_.size() ? link_local_[device] : number;
}

const Way& Routes::way(uint16_t number) const noexcept { return ways_[number < ways_.size() ? number : 0]; }

bool Routes::is_local(const IpAddress& address) const noexcept {
  return way_to(address).kind == Way::Kind::local;
}

bool Routes::listens_to(uint16_t device, const IpAddress& group) const noexcept {
  return device < groups_.size() && std::ranges::binary_search(groups_[device], group);
}

IpAddress Routes::source_for(uint16_t device, const IpAddress& destination) const noexcept {
  IpAddress first;
  if (is_link_local(destination)) return link_sources_[device];
  for (const Prefix& own : addresses_[device]) {
    if (own.address.l3 != destination.l3) continue;
    if (own.contains(destination)) return own.address;
    if (first.is_none()) first = own.address;
  }
  return first;
}

size_t Neighbours::Hash::operator()(const IpAddress& address) const noexcept {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
}

Neighbours::Neighbours(const Topology& topology) : known_(topology.interfaces.size()) {
  for (const auto& neighbour : topology.neighbours) known_[neighbour.device][neighbour.address] = neighbour.mac;
}

Mac Neighbours::mac_of(const IpAddress& address, uint16_t device) const noexcept {
  if (device < known_.size())
    if (auto const found = known_[device].find(address); found != known_[device].end()) return found->second;
  // Of an IPv6 address the last four bytes, told from IPv4's by the second.
  const uint8_t* last = address.bytes.data() + address.size() - 4;
  return {0x02, static_cast<uint8_t>(address.l3), last[0], last[1], last[2], last[3]};
}

}  // namespace bulkhead
