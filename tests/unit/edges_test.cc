// Chains of the link layer, and fragments where nothing tracks: bridge, netdev and arp tables, ingress and egress, in both wirings.
#define BOOST_TEST_MODULE edges
#include <boost/test/unit_test.hpp>

#include "common/ruleset/compile/hooks.h"
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

const Ends kOut{address("10.0.0.7"), address("192.0.2.1")};
const Ends kIn{address("10.0.0.7"), address("10.0.0.254")};
const Mac kAll{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

Bytes datagram(uint16_t to, const Ends& ends = kOut, size_t length = 20) {
  return ethernet(ip(ends, packet::protocol::udp, udp(ends, 5000, to, pattern(length))));
}
Bytes who_has() { return arp(1, {2, 0, 0, 0, 0, 1}, kOut.src, {}, address("10.0.0.254")); }
Bytes unknown() { return ethernet(pattern(50), 0x88b5); }

std::vector<test::Arrival> from_lan(const std::vector<Bytes>& frames) {
  std::vector<test::Arrival> all;
  for (const Bytes& frame : frames) all.push_back({0, frame});
  return all;
}

/// A datagram of 60 bytes of payload behind UDP's header, in three fragments.
std::vector<Bytes> in_fragments(uint16_t to, uint32_t id, const Ends& ends = kOut) {
  std::vector<Bytes> all;
  for (const Bytes& part : fragments(ip(ends, packet::protocol::udp, udp(ends, 5000, to, pattern(60)), {.dont_fragment = false}), 24, id))
    all.push_back(ethernet(part));
  return all;
}

control::Settings bridge(const char* rules) { return with_rules(small_settings(16, 4, 32), rules); }
control::Settings router(const char* rules) { return with_rules(router_settings(16, 4, 32), rules); }

std::string by(const std::string& family, const std::string& chain) {
  return "\"rule\":{\"family\":\"" + family + "\",\"table\":\"t\",\"chain\":\"" + chain + "\"";
}

}  // namespace

// The reported ones.
BOOST_AUTO_TEST_CASE(a_bridge_table_drops_frames_of_every_kind) {
  Routed const all = through(bridge("table bridge t {\n chain f {\n type filter hook forward priority filter; policy drop;\n counter drop\n }\n}\n"),
                             from_lan({datagram(53), who_has(), unknown()}));
  BOOST_TEST(all.wan.empty());
  BOOST_TEST(all.says(by("bridge", "f")) == 3U);
}

BOOST_AUTO_TEST_CASE(ingress_of_inet_drops_before_anything_is_tracked) {
  constexpr const char* rules = "table inet t {\n chain f {\n type filter hook ingress device \"lan\" priority filter; policy drop;\n counter drop\n }\n}\n";
  Routed const routed = through(router(rules), {{0, datagram(53)}, {1, datagram(5000, kOut.back())}});
  BOOST_TEST(routed.wan.empty());
  BOOST_TEST(routed.lan.size() == 1U);
  BOOST_TEST(routed.says(by("inet", "f")) == 1U);
  BOOST_TEST(routed.says("\"state\":\"new\"") == 1U);  // what came by wan began the flow
  // It sees IP alone.
  Routed const bridged = through(bridge(rules), from_lan({datagram(53), who_has()}));
  BOOST_TEST(bridged.wan.size() == 1U);
  BOOST_TEST(bridged.says(by("inet", "f")) == 1U);
}

BOOST_AUTO_TEST_CASE(each_kind_of_frame_is_told_by_a_bridges_rules) {
  struct Row {
    const char* rule;
    Bytes yes, no;
  };
  LinkFields to_all, tagged;
  to_all.dst = kAll;
  tagged.vlans = {5};
  Bytes const for_all = ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 1, 2, pattern(4))), to_all);
  Bytes const in_vlan = ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 1, 53, pattern(4))), tagged);
  Bytes in_service_vlan = in_vlan;
  store_be16(in_service_vlan.data() + 12, packet::ethertype::service_vlan);
  Bytes padded = datagram(53, kOut, 4);
  padded.resize(60);
  const std::vector<Row> rows{
      {"meta protocol arp drop", who_has(), datagram(53)},
      {"ether type 0x88b5 drop", unknown(), who_has()},
      {"arp operation request drop", who_has(), unknown()},
      {"arp saddr ip 10.0.0.7 drop", who_has(), datagram(53)},
      {"udp dport 53 drop", in_vlan, who_has()},
      {"vlan id 5 drop", in_vlan, datagram(53)},
      {"vlan id 5 drop", in_vlan, in_service_vlan},
      {"ether type 8021ad vlan id 5 drop", in_service_vlan, in_vlan},
      {"vlan id 5 udp dport 53 drop", in_vlan, datagram(53)},
      {"ether type vlan drop", in_vlan, datagram(53)},
      {"meta l4proto udp drop", datagram(9), unknown()},
      {"meta l4proto != tcp drop", datagram(9), unknown()},
      {"meta pkttype broadcast drop", for_all, datagram(53)},
      {"meta pkttype other drop", datagram(53), for_all},
      {"iifname \"lan\" oifname \"wan\" drop", unknown(), {}},
      {"ether daddr ff:ff:ff:ff:ff:ff drop", for_all, datagram(53)},
      {"meta length 32 drop", padded, unknown()},
  };
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.rule) {
      std::string const rules = std::string("table bridge t {\n chain f {\n type filter hook forward priority 0; policy accept;\n") + row.rule + "\n }\n}\n";
      Routed const yes = through(bridge(rules.c_str()), from_lan({row.yes}));
      BOOST_TEST(yes.wan.empty());
      if (!row.no.empty()) BOOST_TEST(through(bridge(rules.c_str()), from_lan({row.no})).wan.size() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_bridges_chains_stand_around_those_of_ip) {
  constexpr const char* rules = R"(
table ip t {
  chain ip_pre { type filter hook prerouting priority 0; policy accept; meta mark 1 meta mark set 2; }
  chain ip_forward { type filter hook forward priority 0; policy accept; meta mark 4 meta mark set 5; }
  chain ip_post { type filter hook postrouting priority -300; policy accept; meta mark 6 meta mark set 7; meta mark 7 drop; }
}
table bridge t {
  chain before { type filter hook prerouting priority filter; policy accept; meta mark 0 meta mark set 1; }
  chain behind { type filter hook prerouting priority 1; policy accept; meta mark 2 meta mark set 3; }
  chain forward { type filter hook forward priority filter; policy accept; meta mark 3 meta mark set 4; }
  chain forwarded { type filter hook forward priority 1; policy accept; meta mark 5 meta mark set 6; }
  chain post { type filter hook postrouting priority 300; policy accept; iifname "lan" drop; }
}
)";
  Routed const all = through(bridge(rules), from_lan({datagram(53), who_has()}));
  BOOST_TEST(all.says(by("ip", "ip_post")) == 1U);
  BOOST_TEST(all.wan.size() == 1U);
}

// Linux nf_conntrack_bridge: at its own -200, fragments put together there.
BOOST_AUTO_TEST_CASE(a_bridges_rules_ask_conntrack) {
  constexpr const char* rules = R"(
table bridge t {
  chain first { type filter hook prerouting priority -300; policy accept; ip frag-off & 0x3fff != 0 ip id 9 drop; ct state new drop; }
  chain pre { type filter hook prerouting priority filter; policy accept; ip frag-off & 0x3fff != 0 drop; ct state new udp dport 53 meta mark set 4; }
  chain f { type filter hook forward priority filter; policy drop; meta mark 4 accept; ct state established accept; ct state invalid meta protocol arp accept; }
}
)";
  std::vector<test::Arrival> frames{{0, datagram(53)}, {1, ethernet(ip(kOut.back(), packet::protocol::udp, udp(kOut.back(), 53, 5000, pattern(4))))}, {1, datagram(54, kOut.back())}, {0, who_has()}};
  for (const Bytes& one : in_fragments(53, 8)) frames.push_back({0, one});
  for (const Bytes& one : in_fragments(53, 9)) frames.push_back({0, one});
  Routed const all = through(bridge(rules), frames);
  BOOST_TEST(all.lan.size() == 1U);
  BOOST_TEST(all.wan.size() == 5U);  // one, ARP, and three fragments
  BOOST_TEST(all.says(by("bridge", "first")) == 3U);
  BOOST_TEST(all.dropped("policy") == 1U);
}

BOOST_AUTO_TEST_CASE(a_bridge_gets_what_goes_to_groups_itself_and_the_others_go_on) {
  constexpr const char* rules = R"(
table bridge t {
  chain mine { type filter hook input priority 0; policy accept; meta mark 0 quota over 10 bytes drop; drop; }
  chain forward { type filter hook forward priority 0; policy accept; meta mark set 3; }
}
)";
  LinkFields to_all;
  to_all.dst = kAll;
  Bytes const frame = ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 1, 2, pattern(4))), to_all);
  BOOST_TEST(through(bridge(rules), from_lan({frame, who_has(), datagram(53)})).wan.size() == 3U);
}

BOOST_AUTO_TEST_CASE(ingress_sees_each_fragment_and_what_it_drops_is_lacking) {
  constexpr const char* rules = R"(
table netdev t {
  chain in { type filter hook ingress device lan priority 0; policy accept; ip id 7 ip frag-off 6 drop; udp dport 53 meta mark set 9; }
}
table inet t {
  chain f { type filter hook forward priority 0; policy drop; ct state new meta mark 9 udp dport 53 accept; }
}
)";
  for (auto const& settings : {router(rules), bridge(rules)}) {
    std::vector<Bytes> frames = in_fragments(53, 7);
    for (const Bytes& one : in_fragments(53, 8)) frames.insert(frames.begin(), one);  // the last one first
    Routed const all = through(settings, from_lan(frames));
    BOOST_TEST(all.wan.size() == 3U);
    BOOST_TEST(all.says(by("netdev", "in")) == 1U);
    BOOST_TEST(all.dropped("fragments_missing") == 2U);
    BOOST_TEST(all.drops.size() == 3U);
  }
}

BOOST_AUTO_TEST_CASE(chains_of_ip_before_reassembly_see_fragments_too) {
  constexpr const char* rules = R"(
table ip t {
  chain early { type filter hook prerouting priority -450; policy accept; ip frag-off & 0x1fff != 0 drop; }
  chain raw { type filter hook prerouting priority raw; policy accept; ip frag-off & 0x3fff != 0 drop; }
  chain f { type filter hook forward priority 0; policy accept; ct state new accept; }
}
)";
  Routed const all = through(router(rules), from_lan(in_fragments(53, 7)));
  BOOST_TEST(all.says(by("ip", "early")) == 2U);
  BOOST_TEST(all.dropped("fragments_missing") == 1U);
  BOOST_TEST(all.says(by("ip", "raw")) == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_where_it_leaves_has_begun_its_flow) {
  constexpr const char* rules = R"(
table netdev t {
  chain out { type filter hook egress device wan priority 0; policy accept;
    iifname "lan" accept
    ether daddr 02:00:00:00:02:01 ether saddr 02:00:00:00:01:02 ip saddr 10.0.0.7 oifname "wan" meta length 62 udp dport 53 drop
  }
}
table ip t {
  chain f { type filter hook forward priority 0; policy accept; ct state established accept; }
}
)";
  Routed const all = through(router(rules), {{0, datagram(53)}, {1, ethernet(ip(kOut.back(), packet::protocol::udp, udp(kOut.back(), 53, 5000, pattern(4))))}});
  BOOST_TEST(all.wan.empty());
  BOOST_TEST(all.says(by("netdev", "out")) == 1U);
  BOOST_TEST(all.says("\"state\":\"established\"") == 1U);
}

BOOST_AUTO_TEST_CASE(egress_sees_what_a_packet_becomes_and_what_the_router_says) {
  constexpr const char* rules = R"(
table ip nat {
  chain post { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
table netdev t {
  chain out { type filter hook egress device wan priority 0; policy accept; ip saddr 192.0.2.254 udp dport 53 drop; }
  chain back { type filter hook egress device lan priority 0; policy accept; icmp type time-exceeded drop; }
}
)";
  Bytes const last_hop = ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 5000, 54, pattern(4)), {.hop_limit = 1}));
  Routed const all = through(router(rules), from_lan({datagram(53), last_hop, datagram(55)}));
  BOOST_TEST(all.says(by("netdev", "out")) == 1U);
  BOOST_TEST(all.wan.size() == 1U);
  BOOST_TEST(all.lan.empty());  // the time-exceeded message did not leave
}

BOOST_AUTO_TEST_CASE(arp_is_for_the_router_itself) {
  constexpr const char* rules = "table arp t {\n chain i {\n type filter hook input priority filter; policy accept;\n arp saddr ip 10.0.0.7 drop\n }\n}\n";
  Routed const all = through(router(rules), from_lan({who_has(), unknown(), datagram(53)}));
  BOOST_TEST(all.says(by("arp", "i")) == 1U);
  BOOST_TEST(all.dropped("not_ip") == 1U);
  BOOST_TEST(all.wan.size() == 1U);
}

BOOST_AUTO_TEST_CASE(fragments_go_on_one_by_one_where_nothing_tracks) {
  constexpr const char* rules = R"(
table ip t {
  chain f { type filter hook forward priority 0; policy accept; udp dport 53 accept; ip id 7 ip frag-off & 0x1fff == 6 drop; ip id 9 drop; }
}
)";
  std::vector<Bytes> frames = in_fragments(53, 7), alone = in_fragments(53, 8);
  frames.insert(frames.end(), alone.begin() + 1, alone.end());  // its first one never comes
  Routed const all = through(router(rules), from_lan(frames));
  BOOST_TEST(all.wan.size() == 4U);
  BOOST_TEST(all.says(by("ip", "f")) == 2U);  // the first one's ports, and the last one
  BOOST_TEST(all.dropped("fragments_missing") == 0U);
  BOOST_TEST(all.says("\"state\":\"untracked\"") == 5U);
  // Of the other family nothing is known here: something tracks it.
  control::Settings const tracked = router("table ip6 t {\n chain f {\n type filter hook forward priority 0\n ct state new accept\n }\n}\n");
  BOOST_TEST(!tracked.ruleset.reassembles[0]);
  BOOST_TEST(tracked.ruleset.reassembles[1]);
  Routed const whole = through(router("table inet t {\n chain f {\n type filter hook forward priority 0\n ct state new accept\n }\n}\n"), from_lan(alone));
  BOOST_TEST(whole.wan.size() == 3U);
  BOOST_TEST(whole.says("\"state\":\"new\"") == 3U);
}

// Linux nft_payload_fast_eval, asked on 6.18: what stands where the transport header would be, if it can be read at once.
BOOST_AUTO_TEST_CASE(a_later_fragments_first_bytes_are_read_as_the_kernel_reads_them) {
  std::vector<Bytes> const parts = in_fragments(53, 7);  // the second one begins with bytes 16, 17, 18...
  auto const left = [&](const char* rule) {
    std::string const rules = std::string("table ip t {\n chain f {\n type filter hook forward priority 0; policy accept;\n") + rule + "\n }\n}\n";
    return through(router(rules.c_str()), from_lan({parts[1]})).wan.size();
  };
  BOOST_TEST(left("udp sport 4113 drop") == 0U);   // 0x1011
  BOOST_TEST(left("@th,0,64 0 drop") == 1U);       // too long for that
  BOOST_TEST(left("udp dport 53 drop") == 1U);
}

BOOST_AUTO_TEST_CASE(fragments_for_the_router_itself_are_put_together_behind_prerouting) {
  constexpr const char* rules = R"(
table ip t {
  chain raw { type filter hook prerouting priority raw; policy accept; ip frag-off & 0x1fff == 0 meta mark set 3; }
  chain pre { type filter hook prerouting priority 0; policy accept; ip id 9 ip frag-off & 0x1fff == 6 drop; }
  chain i { type filter hook input priority 0; policy drop; meta mark 3 udp dport 53 accept; }
}
)";
  std::vector<Bytes> frames = in_fragments(53, 8, kIn);
  for (const Bytes& one : in_fragments(53, 9, kIn)) frames.push_back(one);
  Routed const all = through(router(rules), from_lan(frames));
  BOOST_TEST(all.local.size() == 1U);
  BOOST_TEST(all.says(by("ip", "i")) == 3U);
  BOOST_TEST(all.says(by("ip", "pre")) == 1U);
  BOOST_TEST(all.dropped("fragments_missing") == 2U);
}

BOOST_AUTO_TEST_CASE(a_fragment_too_large_for_its_way_is_cut_again) {
  Bytes const packet = ip(kOut, packet::protocol::udp, udp(kOut, 5000, 53, pattern(2500)), {.dont_fragment = false});
  std::vector<Bytes> parts;
  for (const Bytes& part : fragments(packet, 1480, 7)) parts.push_back(ethernet(part));
  BOOST_REQUIRE(parts.size() == 2U);
  Routed const all = through(router("table ip t {\n chain f {\n type filter hook forward priority 0\n counter\n }\n}\n"), from_lan(parts));
  BOOST_REQUIRE(all.wan.size() == 3U);  // wan takes 1300 bytes
  uint32_t next = 0;
  for (const Bytes& frame : all.wan) {
    uint16_t const flags = load_be16(frame.data() + 20);
    BOOST_TEST((flags & 0x1fffU) * 8U == next);
    BOOST_TEST(((flags & 0x2000U) != 0) == (&frame != &all.wan.back()));
    next += load_be16(frame.data() + 16) - 20U;
  }
  BOOST_TEST(next == 2508U);
}

BOOST_AUTO_TEST_CASE(chains_that_no_packet_comes_to_are_named) {
  auto const said = [](const char* rules, const Topology& topology) {
    std::vector<std::string> const names{"lan", "wan"};
    auto const world = ruleset::world_of(names, topology, 0);
    auto const loaded = ruleset::load("test", rules, world);
    BOOST_REQUIRE(loaded.has_value());
    std::string all;
    for (const std::string& one : ruleset::unmet((*loaded)->ruleset, world)) all += one + "\n";
    return all;
  };
  Topology const none, topology = router_settings(16, 4, 8).topology;
  constexpr const char* bridged = "table bridge t {\n chain f {\n type filter hook forward priority 0\n }\n}\n";
  BOOST_TEST(said(bridged, none).empty());
  BOOST_TEST(said(bridged, topology) == "chain bridge t f: no packet of a router in a replay comes to hook forward of family bridge\n");
  constexpr const char* arp = "table arp t {\n chain i {\n type filter hook input priority 0\n }\n chain o {\n type filter hook output priority 0\n }\n}\n";
  BOOST_TEST(said(arp, topology) == "chain arp t o: no packet of a router in a replay comes to hook output of family arp\n");
  constexpr const char* devices = "table netdev t {\n chain i {\n type filter hook ingress devices = { lan, eth9 } priority 0\n }\n}\n";
  BOOST_TEST(said(devices, none) == "chain netdev t i: no interface of this replay is called eth9\n");
  constexpr const char* host = "table inet t {\n chain i {\n type filter hook input priority 0\n }\n}\n";
  BOOST_TEST(said(host, topology).empty());
  BOOST_TEST(said(host, none) == "table inet t: no packet of a bridge in a replay comes to its chains\n");
}
