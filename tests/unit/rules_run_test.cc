// Rulesets in nft's language, and what they say of packets.
#define BOOST_TEST_MODULE rules_run
#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/unit/rules_firewall.h"


using namespace bulkhead;
using namespace bulkhead::test;
using ruleset::Decision;
using ruleset::Evaluation;

BOOST_AUTO_TEST_CASE(matches_say_what_nft_says) {
  struct Row {
    const char* rule;
    Bytes yes, no;
  };
  const std::vector<Row> rows{
      {"udp dport 53 accept", datagram(1, 53), datagram(1, 54)},
      {"udp dport 53 accept", datagram(1, 53, kOut6), segment(53, tcp_flag::syn)},
      {"tcp dport { 22, 80, 8000-8080 } accept", segment(8001, tcp_flag::syn), segment(8081, tcp_flag::syn)},
      {"tcp dport != 22 accept", segment(80, tcp_flag::syn), segment(22, tcp_flag::syn)},
      {"tcp dport >= 1024 accept", segment(1024, tcp_flag::syn), segment(1023, tcp_flag::syn)},
      {"ip saddr 10.0.0.0/8 accept", datagram(1, 2), datagram(1, 2, kOut.back())},
      {"ip saddr != 10.0.0.0/8 accept", datagram(1, 2, kOut.back()), datagram(1, 2)},
      {"ip saddr 10.0.0.5-10.0.0.9 accept", datagram(1, 2), datagram(1, 2, {address("10.0.0.10"), kOut.dst})},
      {"ip daddr { 192.0.2.0/25, 198.51.100.1 } accept", datagram(1, 2), datagram(1, 2, {kOut.src, address("192.0.2.200")})},
      {"ip6 saddr 2001:db8::/48 accept", datagram(1, 2, kOut6), datagram(1, 2)},
      {"ip6 daddr 2001:db8:1::1 accept", datagram(1, 2, kOut6), datagram(1, 2, kOut6.back())},
      {"meta nfproto ipv6 accept", datagram(1, 2, kOut6), datagram(1, 2)},
      {"meta l4proto { tcp, icmp } accept", segment(1, 2), datagram(1, 2)},
      {"meta l4proto udp accept", datagram(1, 2, kOut6), segment(1, 2)},
      {"ip protocol tcp accept", segment(1, 2), datagram(1, 2)},
      {"ip ttl 64 accept", datagram(1, 2), datagram(1, 2, kOut6)},
      {"meta length 48 accept", datagram(1, 2), datagram(1, 2, kOut, 21)},
      {"udp length > 28 accept", datagram(1, 2, kOut, 21), datagram(1, 2)},
      {"icmp type echo-request accept", ping(kOut), ping(kOut6)},
      {"icmpv6 type echo-request accept", ping(kOut6), ping(kOut)},
      {"tcp flags syn accept", segment(1, tcp_flag::syn | tcp_flag::ack), segment(1, tcp_flag::ack)},
      {"tcp flags & (fin | syn | rst | ack) == syn accept", segment(1, tcp_flag::syn), segment(1, tcp_flag::syn | tcp_flag::ack)},
      {"tcp flags syn / fin,syn,rst,ack accept", segment(1, tcp_flag::syn), segment(1, tcp_flag::syn | tcp_flag::ack)},
      {"tcp flags != syn accept", segment(1, tcp_flag::ack), segment(1, tcp_flag::syn)},
      {"ip saddr . udp dport { 10.0.0.7 . 53, 10.0.0.8 . 54 } accept", datagram(1, 53), datagram(1, 54)},
      {"ip saddr . udp dport { 10.0.0.0/24 . 50-60 } accept", datagram(1, 53), datagram(1, 61)},
      {"ip dscp cs0 accept", datagram(1, 2), datagram(1, 2, kOut6)},
      {"@th,16,16 53 accept", datagram(1, 53), datagram(1, 54)},
      {"iifname \"la*\" oifname wan accept", datagram(1, 2), {}},
      {"iifname != \"lan\" accept", {}, datagram(1, 2)},
      {"iif lan oif wan accept", datagram(1, 2), {}},
      {"ip version 4 ip hdrlength 5 accept", datagram(1, 2), datagram(1, 2, kOut6)},
  };
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.rule) {
      Firewall firewall(in_chain(row.rule));
      if (!row.yes.empty()) BOOST_TEST(firewall(row.yes) == "accept");
      if (!row.no.empty()) BOOST_TEST(firewall(row.no) == "policy");
    }
}

BOOST_AUTO_TEST_CASE(states_of_flows_are_matched) {
  Firewall firewall(in_chain("ct state established,related accept\n ct state invalid drop\n ct state new tcp dport 22 accept\n ct state untracked accept"));
  BOOST_TEST(firewall(datagram(1, 2), chain::FlowState::established) == "accept");
  BOOST_TEST(firewall(datagram(1, 2), chain::FlowState::related) == "accept");
  BOOST_TEST(firewall(datagram(1, 2), chain::FlowState::invalid) == "drop");
  BOOST_TEST(firewall(datagram(1, 2), chain::FlowState::untracked) == "accept");
  BOOST_TEST(firewall(datagram(1, 2)) == "policy");
  BOOST_TEST(firewall(segment(22, tcp_flag::syn)) == "accept");
  Firewall map(in_chain("ct state vmap { established : accept, related : accept, invalid : drop }", "", "accept"));
  BOOST_TEST(map(datagram(1, 2), chain::FlowState::invalid) == "drop");
  BOOST_TEST(map(datagram(1, 2), chain::FlowState::fresh) == "accept");
}

BOOST_AUTO_TEST_CASE(chains_are_jumped_to_and_left) {
  Firewall firewall(in_chain("jump web\n udp dport 9 accept\n goto last\n accept",
                          " chain web { tcp dport 80 accept\n tcp dport 81 return\n tcp dport 82 drop; }\n chain last { udp dport 7 accept; }"));
  BOOST_TEST(firewall(segment(80, 2)) == "accept");
  BOOST_TEST(firewall(segment(81, 2)) == "policy");
  BOOST_TEST(firewall(segment(82, 2)) == "drop");
  BOOST_TEST(firewall(datagram(1, 9)) == "accept");
  BOOST_TEST(firewall(datagram(1, 7)) == "accept");
  BOOST_TEST(firewall(datagram(1, 8)) == "policy");
  Firewall map(in_chain("tcp dport vmap { 80 : jump web, 1-10 : drop, 90-99 : goto web }\n accept", " chain web { ip saddr 10.0.0.7 drop; }"));
  BOOST_TEST(map(segment(80, 2)) == "drop");
  BOOST_TEST(map(segment(80, 2, kOut.back())) == "accept");
  BOOST_TEST(map(segment(95, 2, kOut.back())) == "policy");
  BOOST_TEST(map(segment(5, 2)) == "drop");
}

BOOST_AUTO_TEST_CASE(base_chains_meet_in_the_order_of_priorities) {
  Firewall firewall(
      "table ip a { chain one { type filter hook forward priority 10; udp dport 1 drop; }\n"
      " chain two { type filter hook forward priority -10; udp dport 1 accept; udp dport 2 drop; }\n}\n");
  BOOST_TEST(firewall(datagram(9, 1)) == "drop");  // accept ends its own chain only
  BOOST_TEST(firewall(datagram(9, 2)) == "drop");
  BOOST_TEST(firewall(datagram(9, 3)) == "accept");
  BOOST_TEST(firewall(datagram(9, 2, kOut6)) == "accept");
}

BOOST_AUTO_TEST_CASE(named_sets_and_maps_are_looked_into) {
  std::string const sets =
      " set bad { type ipv4_addr; flags interval; elements = { 10.0.0.0/30, 10.0.0.7 } }\n"
      " map marks { type inet_service : mark; elements = { 53 : 0x10, 54 : 0x20 } }\n"
      " set both { type ipv4_addr . inet_service; elements = { 10.0.0.7 . 99 } }\n";
  Firewall firewall(in_chain("ip saddr . udp dport @both accept\n ip saddr @bad drop\n accept", sets));
  BOOST_TEST(firewall(datagram(1, 99)) == "accept");
  BOOST_TEST(firewall(datagram(1, 98)) == "drop");
  BOOST_TEST(firewall(datagram(1, 98, {address("10.0.0.4"), kOut.dst})) == "accept");
  Firewall marks(in_chain("meta mark set udp dport map @marks\n meta mark 0x20 drop\n accept", sets));
  BOOST_TEST(marks(datagram(1, 53)) == "accept");
  BOOST_TEST(marks.packet.mark == 0x10U);
  BOOST_TEST(marks(datagram(1, 54)) == "drop");
}

BOOST_AUTO_TEST_CASE(counters_quotas_and_limits_keep_their_state) {
  Firewall firewall(in_chain("udp dport 1 counter packets 5 bytes 500 accept\n udp dport 2 quota 100 bytes accept\n"
                          " udp dport 3 limit rate 2/second burst 3 packets accept\n udp dport 4 limit rate over 1/second burst 1 packets drop\n"
                          " udp dport 4 accept\n udp dport 5 limit rate 100 bytes/second accept\n udp dport 6 counter name both accept\n udp dport 7 counter name both accept",
                          " counter both { }"));
  BOOST_TEST(firewall(datagram(9, 1)) == "accept");
  BOOST_TEST((firewall.state.words[0] == 6 && firewall.state.words[1] == 548));
  BOOST_TEST(firewall(datagram(9, 2)) == "accept");
  BOOST_TEST(firewall(datagram(9, 2)) == "accept");  // 96 bytes
  BOOST_TEST(firewall(datagram(9, 2)) == "policy");
  for (int i = 0; i < 3; ++i) BOOST_TEST(firewall(datagram(9, 3)) == "accept");
  BOOST_TEST(firewall(datagram(9, 3)) == "policy");
  firewall.now_ns += 500'000'000;
  BOOST_TEST(firewall(datagram(9, 3)) == "accept");
  BOOST_TEST(firewall(datagram(9, 3)) == "policy");
  BOOST_TEST(firewall(datagram(9, 4)) == "accept");
  BOOST_TEST(firewall(datagram(9, 4)) == "drop");
  BOOST_TEST(firewall(datagram(9, 5)) == "accept");  // rate and no burst: 100 tokens, of 48 each
  BOOST_TEST(firewall(datagram(9, 5)) == "accept");
  BOOST_TEST(firewall(datagram(9, 5)) == "policy");
  BOOST_TEST(firewall(datagram(9, 6)) == "accept");
  BOOST_TEST(firewall(datagram(9, 7)) == "accept");
}

BOOST_AUTO_TEST_CASE(marks_of_flows_stay_with_their_generation) {
  Firewall firewall(in_chain("udp dport 1 ct mark set 0x5 accept\n ct mark 0x5 drop\n accept"));
  BOOST_TEST(firewall(datagram(9, 2)) == "accept");
  BOOST_TEST(firewall(datagram(9, 1)) == "accept");
  BOOST_TEST(firewall(datagram(9, 2)) == "drop");
  BOOST_TEST(firewall(datagram(9, 2), chain::FlowState::invalid) == "accept");
}

BOOST_AUTO_TEST_CASE(rejects_say_how) {
  Firewall firewall(in_chain("udp dport 1 reject\n udp dport 2 reject with icmpx admin-prohibited\n udp dport 3 reject with icmp host-unreachable\n"
                          " tcp dport 4 reject with tcp reset"));
  BOOST_TEST(firewall(datagram(9, 1)) == "reject 3/3");
  BOOST_TEST(firewall(datagram(9, 1, kOut6)) == "reject 1/4");
  BOOST_TEST(firewall(datagram(9, 2)) == "reject 3/13");
  BOOST_TEST(firewall(datagram(9, 3)) == "reject 3/1");
  BOOST_TEST(firewall(datagram(9, 3, kOut6)) == "policy");
  BOOST_TEST(firewall(segment(4, tcp_flag::syn)) == "reject 0/0");
}

BOOST_AUTO_TEST_CASE(what_no_module_can_compile_is_refused_by_name) {
  auto const made = ruleset::load("test", in_chain("ct helper \"ftp\" accept"), {});
  BOOST_REQUIRE(!made.has_value());
  BOOST_TEST(made.error().message.find("not supported yet") != std::string::npos, made.error().message);
}
