// What leaves besides a packet, or instead of it: `dup` and `fwd`, in both wirings; what finds no room is counted.
#define BOOST_TEST_MODULE copies
#include <boost/test/unit_test.hpp>

#include "ipc/state/pktio_state.h"
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

const Ends kOut{address("10.0.0.7"), address("192.0.2.1")}, kOut6{address("2001:db8::7"), address("2001:db8:1::7")};
constexpr size_t kEthernet = 14;

Bytes datagram(uint16_t to, const Ends& ends = kOut, size_t length = 20, uint8_t hops = 64, const LinkFields& link = {}) {
  return ethernet(ip(ends, packet::protocol::udp, udp(ends, 5000, to, pattern(length)), {.hop_limit = hops, .dont_fragment = false}), link);
}

std::string ingress(const std::string& rules, const std::string& more = "") {
  return "table netdev t {\n chain in {\n type filter hook ingress device lan priority 0; policy accept;\n" + rules + "\n }\n}\n" + more;
}
std::string ip4(const std::string& hook, const std::string& rules) {
  return "table ip t_" + hook + " {\n chain c {\n type filter hook " + hook + " priority 0; policy accept;\n" + rules + "\n }\n}\n";
}

Routed routed(const std::string& rules, const std::vector<test::Arrival>& arrivals) { return through(with_rules(router_settings(16, 4, 32), rules.c_str()), arrivals); }
Routed bridged(const std::string& rules, const std::vector<test::Arrival>& arrivals) { return through(with_rules(small_settings(16, 4, 32), rules.c_str()), arrivals); }

/// From the network header on.
Bytes packet_of(const Bytes& frame) { return {frame.begin() + kEthernet, frame.end()}; }
Mac to_of(const Bytes& frame) { return {frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]}; }
Mac from_of(const Bytes& frame) { return {frame[6], frame[7], frame[8], frame[9], frame[10], frame[11]}; }
uint8_t hops_of(const Bytes& frame) { return frame[kEthernet] >> 4 == 4 ? frame[kEthernet + 8] : frame[kEthernet + 7]; }
bool sums(const Bytes& frame) { return checksum(frame.data() + kEthernet, 20) == 0; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_copy_leaves_as_the_frame_came_and_the_frame_goes_on) {
  LinkFields tagged;
  tagged.vlans = {5};
  Bytes padded = datagram(53, kOut, 4);
  padded.resize(60);
  std::vector<Bytes> const frames{datagram(53), datagram(53, kOut, 20, 64, tagged), padded, arp(1, {2, 0, 0, 0, 0, 1}, kOut.src, {}, address("10.0.0.254")), ethernet(pattern(50), 0x88b5)};
  for (const Bytes& frame : frames) {
    Routed const all = routed(ingress("dup to lan"), {{0, frame}});
    BOOST_TEST_REQUIRE(all.lan.size() == 1U);
    BOOST_TEST(all.lan[0] == frame);
    Routed const back = bridged(ingress("dup to lan dup to wan"), {{0, frame}});
    BOOST_TEST((back.lan == std::vector<Bytes>{frame} && back.wan == std::vector<Bytes>{frame, frame}));
  }
}

BOOST_AUTO_TEST_CASE(a_copy_leaves_before_its_packet_and_though_that_is_dropped) {
  Routed const all = routed(ingress("dup to wan"), {{0, datagram(53)}});
  BOOST_TEST_REQUIRE(all.wan.size() == 2U);
  BOOST_TEST((all.wan[0] == datagram(53) && hops_of(all.wan[1]) == 63));
  Routed const dropped = routed(ingress("dup to wan drop"), {{0, datagram(53)}});
  BOOST_TEST((dropped.wan == std::vector<Bytes>{datagram(53)} && dropped.drops.size() == 1));
  // What is answered: the copy, and the answer.
  Routed const refused = routed(ip4("forward", "dup to 192.0.2.9 reject"), {{0, datagram(53)}});
  BOOST_TEST((refused.wan.size() == 1 && refused.lan.size() == 1));
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_sent_on_is_gone_here_and_counts_as_passed) {
  for (auto const& settings : {with_rules(router_settings(16, 4, 32), ingress("fwd to wan").c_str()), with_rules(small_settings(16, 4, 32), ingress("fwd to wan").c_str())}) {
    Routed const all = through(settings, {{0, datagram(53)}, {0, arp(1, {2, 0, 0, 0, 0, 1}, kOut.src, {}, address("10.0.0.254"))}});
    BOOST_TEST(all.wan.size() == 2U);
    BOOST_TEST(all.drops.empty());
    BOOST_TEST(all.says("\"verdict\":\"forward\",\"out\":\"wan\",\"rule\":{\"family\":\"netdev\",\"table\":\"t\",\"chain\":\"in\"") == 2U);
    BOOST_TEST(all.says("\"state\":\"new\"") == 0U);  // nobody tracked it
  }
  // lo takes nothing that is not for it.
  Routed const lost = routed(ingress("fwd to lo"), {{0, datagram(53)}});
  BOOST_TEST((lost.wan.empty() && lost.drops.size() == 1 && lost.says("\"verdict\":\"drop\",\"rule\"") == 1));
}

BOOST_AUTO_TEST_CASE(a_neighbour_gets_a_frame_of_its_own_with_a_hop_less) {
  LinkFields tagged;
  tagged.vlans = {5};
  Routed const all = routed(ingress("fwd ip to 192.0.2.1 device wan\nfwd ip6 to 2001:db8:1::9 device wan"),
                            {{0, datagram(53)}, {0, datagram(53, kOut6)}, {0, datagram(53, kOut, 20, 64, tagged)}, {0, datagram(9, kOut, 20, 1)}, {0, arp(1, {2, 0, 0, 0, 0, 1}, kOut.src, {}, address("10.0.0.9"))}});
  BOOST_TEST_REQUIRE(all.wan.size() == 3U);
  BOOST_TEST((to_of(all.wan[0]) == Mac{0x02, 0, 0, 0, 2, 1} && from_of(all.wan[0]) == Mac{0x02, 0, 0, 0, 1, 2}));
  BOOST_TEST((hops_of(all.wan[0]) == 63 && sums(all.wan[0]) && hops_of(all.wan[1]) == 63));
  // The tag lies beside the packet in the kernel, and stays.
  Bytes const& in_vlan = all.wan[2];
  BOOST_TEST((to_of(in_vlan) == Mac{0x02, 0, 0, 0, 2, 1} && load_be16(in_vlan.data() + 12) == 0x8100 && in_vlan.size() == datagram(53).size() + 4 && in_vlan[18 + 8] == 63));
  BOOST_TEST(all.says("\"verdict\":\"drop\",\"rule\"") == 1U);  // no hop left
  BOOST_TEST(all.dropped("not_ip") == 1U);                      // ARP leaves the rule
}

BOOST_AUTO_TEST_CASE(a_routed_copy_has_its_hook_s_headers_and_is_nobody_s_flow) {
  struct Row {
    const char *hook, *rules;
    uint8_t hops;
  };
  for (const Row& row : {Row{"prerouting", "dup to 192.0.2.1", 63}, {"forward", "dup to 192.0.2.1", 63}, {"postrouting", "iifname lan dup to 192.0.2.1", 63},
                         {"forward", "ip ttl set 9 dup to 192.0.2.1 ip ttl set 4", 9}})
    BOOST_TEST_CONTEXT(row.hook << " " << row.rules) {
      Routed const all = routed(ip4(row.hook, row.rules) + ip4("output", "ct state != untracked drop\noifname != wan drop"), {{0, datagram(53)}});
      BOOST_TEST_REQUIRE(all.wan.size() == 2U);
      BOOST_TEST((hops_of(all.wan[0]) == row.hops && sums(all.wan[0]) && (all.wan[0][kEthernet + 6] & 0x40) != 0 && to_of(all.wan[0]) == Mac{0x02, 0, 0, 0, 2, 1}));
      BOOST_TEST((all.wan[1][kEthernet + 6] & 0x40) == 0);
    }
  // Of what comes to the router itself.
  Routed const own = routed(ip4("input", "dup to 192.0.2.1"), {{0, datagram(53, {kOut.src, address("10.0.0.254")})}});
  BOOST_TEST((own.local.size() == 1 && own.wan.size() == 1 && hops_of(own.wan[0]) == 63));
}

BOOST_AUTO_TEST_CASE(a_routed_copy_is_dropped_by_the_chains_that_it_comes_to) {
  for (const char* hook : {"output", "postrouting"}) {
    Routed const all = routed(ip4("prerouting", "dup to 192.0.2.1") + ip4(hook, "ct state untracked drop"), {{0, datagram(53)}});
    BOOST_TEST(all.wan.size() == 1U, hook);
  }
  std::string const egress = "table netdev out {\n chain e {\n type filter hook egress device wan priority 0; policy accept;\n ip ttl 64 drop\n }\n}\n";
  BOOST_TEST(routed(ingress("dup to wan", egress), {{0, datagram(53)}}).wan.size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_way_no_copy) {
  for (const char* rule : {"dup to 203.0.113.1", "dup to 10.0.0.254", "dup to ip daddr map { 192.0.2.77 : 10.0.0.9 }"})
    BOOST_TEST((routed(ip4("prerouting", rule), {{0, datagram(53)}}).wan.size() == 1), rule);
  // By an interface that no route goes by the packet's own destination is taken for a neighbour.
  Routed const all = routed(ip4("prerouting", "dup to 203.0.113.1 device wan"), {{0, datagram(53)}});
  BOOST_TEST((all.wan.size() == 2 && to_of(all.wan[0]) == Mac{0x02, 0, 0, 0, 2, 1}));
  // A bridge has none.
  BOOST_TEST((bridged(ip4("prerouting", "dup to 192.0.2.1"), {{0, datagram(53)}}).wan.size() == 1));
}

BOOST_AUTO_TEST_CASE(what_the_router_says_is_copied_too) {
  Routed const all = routed(ip4("forward", "udp dport 53 reject") + ip4("output", "icmp type destination-unreachable dup to 192.0.2.1"), {{0, datagram(53)}});
  BOOST_TEST_REQUIRE((all.lan.size() == 1 && all.wan.size() == 1));
  Bytes said = packet_of(all.lan[0]), copy = packet_of(all.wan[0]);
  BOOST_TEST((sums(all.wan[0]) && said.size() == copy.size() && (copy[6] & 0x40) != 0));
  copy[6] = said[6];
  copy[10] = said[10];
  copy[11] = said[11];
  BOOST_TEST(copy == said);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_copy_ends_after_three) {
  std::string const rules = "table netdev t {\n chain e {\n type filter hook egress device wan priority 0; policy accept;\n dup to wan\n }\n}\n";
  BOOST_TEST((routed(rules, {{0, datagram(53)}}).wan.size() == 4));
}

BOOST_AUTO_TEST_CASE(fragments_are_copied_one_by_one_or_together) {
  std::vector<test::Arrival> pieces;
  Bytes const whole = ip(kOut, packet::protocol::udp, udp(kOut, 5000, 53, pattern(60)), {.dont_fragment = false});
  for (const Bytes& part : fragments(whole, 24, 7)) pieces.push_back({0, ethernet(part)});
  BOOST_TEST((routed(ingress("ip frag-off & 0x1fff != 0 dup to lan", ip4("forward", "ct state new")), pieces).lan.size() == 2));
  BOOST_TEST((routed(ip4("forward", "ct state new dup to 192.0.2.9"), pieces).wan.size() == 2 * pieces.size()));
  Routed const gone = routed(ingress("ip frag-off & 0x1fff != 0 fwd to lan", ip4("forward", "ct state new")), pieces);
  BOOST_TEST((gone.lan.size() == 2 && gone.wan.empty() && gone.dropped("fragments_missing") == 1));
}

BOOST_AUTO_TEST_CASE(what_finds_no_room_is_counted) {
  auto const run = [](const std::string& rules, const Bytes& frame, control::Settings wiring = small_settings(16, 4, 32)) {
    control::Settings const settings = with_rules(std::move(wiring), rules.c_str());
    Input input(2);
    input[0].push_back({kStart, static_cast<uint32_t>(frame.size()), frame});
    Memory memory(settings);
    Chain chain(memory, settings, input, 0);
    chain.start_all();
    BOOST_REQUIRE(chain.finish());
    auto const& state = memory.as<state::PktioState>("pktio.state");
    return std::array{state.copies.load(), state.copies_lost.load(), state.forwarded.load(), state.accepted.load()};
  };
  std::string const egress = "table netdev out {\n chain e {\n type filter hook egress device wan priority 0; policy accept;\n meta mark 7 dup to lan dup to lan dup to lan dup to lan\n }\n}\n";
  std::string const five = "dup to wan dup to wan dup to wan dup to wan dup to wan\n";
  BOOST_TEST((run(ingress(five), datagram(53)) == std::array<uint64_t, 4>{5, 0, 0, 1}));
  BOOST_TEST((run(ingress(five + five), datagram(53)) == std::array<uint64_t, 4>{8, 2, 0, 1}));
  BOOST_TEST((run(ingress(five, egress + ip4("forward", "meta mark set 7")), datagram(53)) == std::array<uint64_t, 4>{8, 1, 0, 1}));
  BOOST_TEST((run(ingress(five + "fwd to wan"), datagram(53)) == std::array<uint64_t, 4>{5, 0, 1, 1}));
  BOOST_TEST((run(ingress(five + five + "fwd to wan"), datagram(53)) == std::array<uint64_t, 4>{8, 3, 0, 0}));
  // wan takes 1,300 bytes, and a copy may not be cut.
  BOOST_TEST((run(ip4("prerouting", "dup to 192.0.2.9"), datagram(53, kOut, 1350), router_settings(16, 4, 32)) == std::array<uint64_t, 4>{0, 1, 0, 1}));
}

BOOST_AUTO_TEST_CASE(a_flow_whose_packets_are_copied_gets_no_lane) {
  std::vector<test::Arrival> arrivals;
  for (int i = 0; i < 20; ++i) {
    arrivals.push_back({0, datagram(53)});
    arrivals.push_back({1, ethernet(ip(kOut.back(), packet::protocol::udp, udp(kOut.back(), 53, 5000, pattern(4))))});
  }
  for (const std::string& rules : {ingress("dup to lan"), ip4("prerouting", "ip saddr 10.0.0.7 dup to 10.0.0.9"), ip4("postrouting", "oifname wan dup to 10.0.0.9")}) {
    control::Settings settings = with_rules(router_settings(16, 4, 32), rules.c_str());
    settings.fast_lane = true;
    BOOST_TEST((through(settings, arrivals).lan.size() == 40), rules);
  }
}
