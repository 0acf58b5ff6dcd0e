// A router's topology: the way to an address, what contradicts, and what its file and options say.
#define BOOST_TEST_MODULE topology
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <random>

#include "ipc/control/settings.h"
#include "services/cli/topology_options.h"

using namespace bulkhead;
using namespace bulkhead::cli;

namespace {

std::string way(const Topology& topology, const char* to) {
  Way const found = Routes(topology).way_to(parse_address(to).value());
  switch (found.kind) {
    case Way::Kind::none: return "none";
    case Way::Kind::local: return "local";
    case Way::Kind::broadcast: return "broadcast";
    case Way::Kind::anycast: return "anycast";
    case Way::Kind::unicast: break;
  }
  std::string text = topology.interfaces[found.device].name;
  return found.via.is_none() ? text : text + " via " + text_of(found.via);
}

Result<Topology> read(const TopologyOptions& options, const std::vector<std::string>& inputs = {"lan", "wan"}) {
  return read_topology(options, inputs);
}

Result<Topology> read_text(const std::string& text) {
  std::string path = "/tmp/bulkhead-topology-XXXXXX";
  int const fd = ::mkstemp(path.data());
  BOOST_REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(path) << text;
  TopologyOptions options;
  options.file = path;
  auto topology = read(options);
  ::unlink(path.c_str());
  if (topology) return topology;
  return fail("{}", topology.error().message.substr(topology.error().message.find(path) + path.size()));
}

TopologyOptions home() {
  return {.file = {},
          .addresses = {"lan=10.0.0.1/24", "wan=203.0.113.2/30", "lan=2001:db8::1/64"},
          .routes = {"default,203.0.113.1=wan", "10.1.0.0/16,10.0.0.9=lan", "10.1.2.0/24,10.0.0.8=lan", "2001:db8:f::/48=wan"},
          .neighbours = {"10.0.0.9=02:00:00:00:00:09"}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_longest_prefix_wins_and_local_addresses_come_first) {
  auto const topology = read(home());
  BOOST_REQUIRE(topology.has_value());
  BOOST_TEST(way(*topology, "10.0.0.77") == "lan");
  BOOST_TEST(way(*topology, "10.1.2.3") == "lan via 10.0.0.8");
  BOOST_TEST(way(*topology, "10.1.3.3") == "lan via 10.0.0.9");
  BOOST_TEST(way(*topology, "8.8.8.8") == "wan via 203.0.113.1");
  BOOST_TEST(way(*topology, "10.0.0.1") == "local");
  BOOST_TEST(way(*topology, "203.0.113.2") == "local");
  BOOST_TEST(way(*topology, "10.0.0.255") == "broadcast");
  BOOST_TEST(way(*topology, "2001:db8:f:1::1") == "wan");
  BOOST_TEST(way(*topology, "2001:db8:e::1") == "none");
  BOOST_TEST(way(*topology, "::1") == "local");
  BOOST_TEST(way(*topology, "2001:db8::") == "anycast");
  BOOST_TEST(way(*topology, "fe80::") == "anycast");
}

BOOST_AUTO_TEST_CASE(ways_agree_with_a_search_of_every_prefix) {
  std::mt19937 chance(5);
  Topology topology;
  topology.interfaces = {{"a", {}, 1500, {}}, {"b", {}, 1500, {}}};
  auto const any = [&](uint32_t spread) {
    IpAddress address{{}, 4};
    uint32_t const value = 0x0a000000U | (static_cast<uint32_t>(chance()) & spread);
    for (int i = 0; i < 4; ++i) address.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(value >> (24 - 8 * i));
    return address;
  };
  for (int i = 0; i < 300; ++i) {
    Prefix const prefix = Prefix{any(0xffff), static_cast<uint8_t>(8 + chance() % 25)}.network();
    topology.routes.push_back({prefix, {}, static_cast<uint16_t>(chance() % 2), static_cast<uint32_t>(chance() % 3)});
  }
  Routes const routes(topology);
  for (int i = 0; i < 20000; ++i) {
    IpAddress const to = any(0x1ffff);
    const Topology::Route* best = nullptr;
    for (const auto& route : topology.routes) {
      if (!route.destination.contains(to)) continue;
      bool const longer = best == nullptr || route.destination.length > best->destination.length;
      bool const cheaper = best != nullptr && route.destination.length == best->destination.length &&
                           route.metric < best->metric;
      if (longer || cheaper) best = &route;
    }
    const Way& found = routes.way_to(to);
    BOOST_REQUIRE((found.kind == Way::Kind::unicast) == (best != nullptr));
    if (best != nullptr) BOOST_REQUIRE((found.device == best->device && found.length == best->destination.length));
  }
}

BOOST_AUTO_TEST_CASE(a_neighbour_that_nobody_named_has_a_mac_of_its_own) {
  auto const topology = read(home());
  Neighbours const neighbours(*topology);
  BOOST_TEST(text_of(neighbours.mac_of(parse_address("10.0.0.9").value(), 0)) == "02:00:00:00:00:09");
  BOOST_TEST(text_of(neighbours.mac_of(parse_address("10.0.0.8").value(), 0)) == "02:04:0a:00:00:08");
}

BOOST_AUTO_TEST_CASE(what_contradicts_is_said) {
  struct Row {
    void (*change)(TopologyOptions&);
    const char* error;
  };
  const std::vector<Row> rows{
      {[](auto& o) { o.addresses.push_back("wan=10.0.0.1/8"); }, "address 10.0.0.1 is there twice: on lan and on wan"},
      {[](auto& o) { o.routes.push_back("10.9.0.0/16,172.16.0.1=lan"); },
       "route 10.9.0.0/16 via 172.16.0.1: nowhere: no network of lan has that address"},
      {[](auto& o) { o.routes.push_back("10.9.0.1/16=lan"); }, "route 10.9.0.1/16: bits beyond the length are set; wanted: 10.9.0.0/16"},
      {[](auto& o) { o.routes.push_back("default,203.0.113.1=wan"); }, "route 0.0.0.0/0 is there twice"},
      {[](auto& o) { o.routes.push_back("10.9.0.0/16=dmz"); }, "--route 10.9.0.0/16=dmz: no interface is called 'dmz'"},
      {[](auto& o) { o.addresses.push_back("lan"); }, "--addr lan: wanted: NAME=PREFIX, as lan=10.0.0.1/24"},
      {[](auto& o) { o.addresses.push_back("lan=10.0.0.1/33"); }, "--addr lan=10.0.0.1/33: '10.0.0.1/33': wanted: a prefix length of 0 to 32"},
      {[](auto& o) { o.neighbours.push_back("10.0.0.7=02:00"); }, "--neigh 10.0.0.7=02:00: '02:00' is no MAC address: wanted: 02:00:00:00:00:01"},
      {[](auto& o) { o.neighbours.push_back("172.16.0.1=02:00:00:00:00:01"); },
       "--neigh 172.16.0.1=02:00:00:00:00:01: no interface has a network with 172.16.0.1 in it"}};
  for (const Row& row : rows) {
    TopologyOptions options = home();
    row.change(options);
    auto const topology = read(options);
    BOOST_REQUIRE(!topology.has_value());
    BOOST_TEST(topology.error().message == row.error);
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_read_and_its_errors_have_a_place) {
  auto const good = read_text(
      "[[interface]]\nname = \"lan\"\nmac = \"02:00:00:00:00:01\"\nmtu = 1400\naddresses = [\"10.0.0.1/24\"]\n"
      "[[interface]]\nname = \"dmz\"\naddresses = [\"10.2.0.1/24\"]\n"
      "[[route]]\ndst = \"default\"\nvia = \"10.2.0.9\"\n[[neighbour]]\naddr = \"10.2.0.9\"\nmac = \"02:00:00:00:00:09\"\n");
  BOOST_REQUIRE(good.has_value());
  BOOST_TEST(good->interfaces.size() == 3U);
  BOOST_TEST(good->interfaces[0].mtu == 1400U);
  BOOST_TEST(way(*good, "1.1.1.1") == "dmz via 10.2.0.9");

  struct Row {
    const char *text, *error;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"[[interface]]\nnames = \"lan\"\n", ":2:1: 'names' is not known here; wanted: name, mac, mtu, addresses, groups"},
           {"[[interface]]\nmtu = 3\n", ":1:1: 'name' is missing"},
           {"[[interface]]\nname = \"lan\"\nmtu = \"big\"\n", ":3:7: mtu: wanted: a number, 0 to 4294967295"},
           {"[[interface]]\nname = \"lan\"\n[[interface]]\nname = \"lan\"\n", ":3:1: interface 'lan' is there twice"},
           {"[[interface]]\nname = \"lan\"\naddresses = [\"10.0.0.256/24\"]\n", ":3:14: '10.0.0.256' is no IP address"},
           {"[[route]]\nvia = \"10.0.0.1\"\n", ":1:1: 'dst' is missing"},
           {"routes = 3\n", ":1:1: 'routes' is not known here; wanted: interface, route, neighbour"}}) {
    auto const bad = read_text(row.text);
    BOOST_REQUIRE(!bad.has_value());
    BOOST_TEST(bad.error().message == row.error);
  }
  BOOST_TEST(!read_text("[[interface\n").has_value());
  TopologyOptions nowhere;
  nowhere.file = "/nonexistent/topology.toml";
  BOOST_TEST(!read(nowhere).has_value());
}

BOOST_AUTO_TEST_CASE(the_settings_carry_it) {
  control::Settings settings;
  settings.topology = read(home()).value();
  for (const auto& interface : settings.topology.interfaces) settings.interfaces.push_back({interface.name, false, ""});
  auto const back = control::decode(control::encode(settings));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(back->topology.routes.size() == settings.topology.routes.size());
  BOOST_TEST((back->topology.interfaces[0].addresses == settings.topology.interfaces[0].addresses));
  BOOST_TEST(way(back->topology, "10.1.2.3") == "lan via 10.0.0.8");
  BOOST_TEST((back->topology.neighbours[0].mac == settings.topology.neighbours[0].mac));
}
