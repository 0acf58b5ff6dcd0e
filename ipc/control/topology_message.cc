#include "ipc/control/topology_message.h"

#include <algorithm>

namespace bulkhead::control {

capnp::Data::Reader bytes_of(const IpAddress& address) {
  return {address.bytes.data(), address.is_none() ? 0 : address.size()};
}

Result<IpAddress> read_address(capnp::Data::Reader bytes) {
  IpAddress address;
  if (bytes.size() != 0 && bytes.size() != 4 && bytes.size() != 16)
    return fail("settings: an address of {} bytes", bytes.size());
  address.l3 = bytes.size() == 0 ? 0 : bytes.size() == 4 ? 4 : 6;
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

namespace {

constexpr size_t kMaxRoutes = 65536, kMaxNeighbours = 65536, kMaxAddresses = 1024;

capnp::Data::Reader raw_bytes(std::span<const uint8_t> bytes) { return {bytes.data(), bytes.size()}; }

void fill(schema::Settings::Prefix::Builder to, const Prefix& prefix) {
  to.setAddress(bytes_of(prefix.address));
  to.setLength(prefix.length);
}

Result<Prefix> read_prefix(schema::Settings::Prefix::Reader from) {
  auto address = read_address(from.getAddress());
  if (!address) return tl::unexpected(address.error());
  if (address->is_none() || from.getLength() > address->size() * 8) return fail("settings: a prefix that is none");
  return Prefix{*address, from.getLength()};
}

Result<Mac> read_mac(capnp::Data::Reader bytes) {
  Mac mac{};
  if (bytes.size() != mac.size()) return fail("settings: a MAC address of {} bytes", bytes.size());
  std::copy(bytes.begin(), bytes.end(), mac.begin());
  return mac;
}

Status read_interface(schema::Settings::Interface::Reader from, Topology& topology) {
  Topology::Interface interface{.name = from.getName(), .mtu = from.getMtu()};
  auto mac = read_mac(from.getMac());
  if (!mac) return tl::unexpected(mac.error());
  interface.mac = *mac;
  if (from.getAddresses().size() > kMaxAddresses) return fail("settings: {} has too many addresses", interface.name);
  for (auto one : from.getAddresses()) {
    auto prefix = read_prefix(one);
    if (!prefix) return tl::unexpected(prefix.error());
    interface.addresses.push_back(*prefix);
  }
  if (from.getGroups().size() > kMaxAddresses) return fail("settings: {} has too many groups", interface.name);
  for (auto one : from.getGroups()) {
    auto group = read_address(one);
    if (!group) return tl::unexpected(group.error());
    interface.groups.push_back(*group);
  }
  topology.interfaces.push_back(std::move(interface));
  return {};
}

Status read_route(schema::Settings::Route::Reader from, Topology& topology) {
  auto destination = read_prefix(from.getDestination());
  if (!destination) return tl::unexpected(destination.error());
  auto via = read_address(from.getVia());
  if (!via) return tl::unexpected(via.error());
  topology.routes.push_back({*destination, *via, from.getDevice(), from.getMetric()});
  return {};
}

Status read_neighbour(schema::Settings::Neighbour::Reader from, Topology& topology) {
  auto address = read_address(from.getAddress());
  if (!address) return tl::unexpected(address.error());
  auto mac = read_mac(from.getMac());
  if (!mac) return tl::unexpected(mac.error());
  topology.neighbours.push_back({*address, *mac, from.getDevice()});
  return {};
}

}  // namespace

void fill_topology(schema::Settings::Builder root, const Topology& topology) {
  root.setRouter(topology.is_router());
  for (unsigned i = 0; i < topology.interfaces.size(); ++i) {
    const auto& interface = topology.interfaces[i];
    auto to = root.getInterfaces()[i];
    to.setMac(raw_bytes(interface.mac));
    to.setMtu(interface.mtu);
    auto addresses = to.initAddresses(static_cast<unsigned>(interface.addresses.size()));
    for (unsigned k = 0; k < addresses.size(); ++k) fill(addresses[k], interface.addresses[k]);
    auto groups = to.initGroups(static_cast<unsigned>(interface.groups.size()));
    for (unsigned k = 0; k < groups.size(); ++k) groups.set(k, bytes_of(interface.groups[k]));
  }
  auto routes = root.initRoutes(static_cast<unsigned>(topology.routes.size()));
  for (unsigned i = 0; i < routes.size(); ++i) {
    fill(routes[i].initDestination(), topology.routes[i].destination);
    routes[i].setVia(bytes_of(topology.routes[i].via));
    routes[i].setDevice(topology.routes[i].device);
    routes[i].setMetric(topology.routes[i].metric);
  }
  auto neighbours = root.initNeighbours(static_cast<unsigned>(topology.neighbours.size()));
  for (unsigned i = 0; i < neighbours.size(); ++i) {
    neighbours[i].setAddress(bytes_of(topology.neighbours[i].address));
    neighbours[i].setMac(raw_bytes(topology.neighbours[i].mac));
    neighbours[i].setDevice(topology.neighbours[i].device);
  }
}

Result<Topology> read_topology(schema::Settings::Reader root) {
  Topology topology;
  if (!root.getRouter()) return topology;
  if (root.getRoutes().size() > kMaxRoutes || root.getNeighbours().size() > kMaxNeighbours)
    return fail("settings: too many routes or neighbours, {} at most", kMaxRoutes);
  for (auto interface : root.getInterfaces())
    if (auto read = read_interface(interface, topology); !read) return tl::unexpected(read.error());
  for (auto route : root.getRoutes())
    if (auto read = read_route(route, topology); !read) return tl::unexpected(read.error());
  for (auto neighbour : root.getNeighbours())
    if (auto read = read_neighbour(neighbour, topology); !read) return tl::unexpected(read.error());
  return topology;
}

}  // namespace bulkhead::control