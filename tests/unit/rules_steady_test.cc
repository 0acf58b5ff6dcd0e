// Which rules tell two packets of a flow apart (common/ruleset/compile/steady.h).
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// A datagram of a known flow, through a chain of these rules.
bool steady(const std::string& rules, const Bytes& frame = datagram(1000, 53), chain::FlowState state = chain::FlowState::established) {
  Firewall firewall(in_chain(rules));
  return firewall.at(ruleset::At::forward, frame, state).steady;
}

std::string many(const std::string& rule, const std::string& last) {
  std::string all;
  for (int i = 1; i <= 40; ++i) all += fmt::format(fmt::runtime(rule), i) + "\n";
  return all + last;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_the_same_for_all_packets_of_a_flow_is_steady) {
  for (const char* rule :
       {"accept", "counter accept", "ct state established accept", "ct state vmap { established : accept, new : drop }", "ip saddr 10.0.0.1 accept",
        "ip daddr != 10.0.0.0/8 accept", "ip saddr . udp sport { 10.0.0.1 . 1000 } accept", "udp dport 53 accept", "th dport 53 accept", "ip protocol udp accept",
        "meta l4proto { tcp, udp } accept", "iifname \"lan\" accept", "oif wan accept", "ct mark 1 accept", "ct mark set 1 accept", "meta mark set ct mark accept",
        "ct original ip saddr 10.0.0.1 accept", "ct direction original accept", "meta pkttype unicast accept", "meta nfproto ipv4 accept", "ip6 saddr 2001:db8::1 accept",
        "ip6 nexthdr udp accept", "icmp type echo-request limit rate 1/second accept", "tcp dport 80 limit rate 1/second accept", "ip saddr 9.9.9.9 limit rate 1/second accept",
        "udp dport 54 ip ttl 5 accept", "ip saddr 10.0.0.0/24 udp dport { 1-100 } counter accept"})
    BOOST_TEST(steady(rule), rule);
  BOOST_TEST(steady("ip6 saddr 2001:db8::/32 ip6 daddr != ::1 accept", datagram(1000, 53, kOut6)));
}

BOOST_AUTO_TEST_CASE(what_may_differ_in_the_next_packet_is_not) {
  for (const char* rule :
       {"meta length 20-60 accept", "ip ttl > 5 accept", "ip dscp cs1 accept", "ip length 48 accept", "ip id 7 accept", "ip checksum 1 accept", "udp length 28 accept",
        "udp checksum 0 accept", "limit rate 1/second accept", "quota 1 mbytes accept", "ct packets > 3 accept", "ct bytes > 3 accept", "ct avgpkt > 3 accept",
        "ct expiration > 1s accept", "numgen inc mod 2 0 accept", "numgen random mod 2 0 accept", "meta priority 1:1 accept", "meta hour \"00:00\"-\"12:00\" accept",
        "meta day Monday accept", "meta time > \"2020-01-01\" accept", "ether saddr 02:00:00:00:00:01 accept", "@th,64,8 1 accept", "@nh,64,8 64 accept",
        "ip ttl set 5 accept", "udp dport 53 ip dscp set cs1 accept"})
    BOOST_TEST(!steady(rule), rule);
  BOOST_TEST(!steady("ip6 hoplimit > 3 accept", datagram(1000, 53, kOut6)));
  BOOST_TEST(!steady("ip6 dscp cs1 accept", datagram(1000, 53, kOut6)));
}

BOOST_AUTO_TEST_CASE(sets_that_rules_change_are_not) {
  std::string const set = "set s { type ipv4_addr; size 8; flags dynamic,timeout; timeout 1s; }\n";
  for (const char* rule : {"update @s { ip saddr } accept", "ip saddr @s accept", "ip saddr != @s accept"}) {
    Firewall firewall(in_chain(std::string(rule) + "\nip daddr 1.1.1.1 add @s { ip saddr }", set));
    BOOST_TEST(!firewall.at(ruleset::At::forward, datagram(1000, 53), chain::FlowState::established).steady, rule);
  }
}

BOOST_AUTO_TEST_CASE(of_tcp_flags_those_that_data_has_do_not_count) {
  Bytes const data = segment(80, tcp_flag::ack);
  for (const char* rule : {"tcp flags syn drop", "tcp flags & (fin | syn | rst | ack) == syn drop", "tcp flags syn tcp option maxseg size set 1400", "tcp flags ! syn accept"})
    BOOST_TEST(steady(std::string(rule) + "\naccept", data), rule);
  for (const char* rule : {"tcp flags psh accept", "tcp flags & (psh | ack) == ack accept", "tcp flags ack accept", "tcp window > 5 accept", "tcp sequence 7 accept"}) {
    bool const asks_ack_alone = std::string_view(rule) == "tcp flags ack accept";
    BOOST_TEST(steady(rule, data) == asks_ack_alone, rule);
  }
}

BOOST_AUTO_TEST_CASE(where_no_rule_lets_a_packet_pass_any_more_its_verdict_is_certain) {
  auto const certain = [](const std::string& rules) {
    Firewall firewall("table inet t { set gone { type ipv4_addr; size 8; flags dynamic; }\nchain c { type filter hook forward priority 0; policy drop;\n" + rules +
                      "\n}\nchain other { accept\n}\nchain nobody { drop\n}\n}");
    const ruleset::Evaluation& seen = firewall.at(ruleset::At::forward, datagram(1000, 53));
    BOOST_TEST((seen.verdict == ruleset::Decision::drop || seen.verdict == ruleset::Decision::reject), rules);
    return seen.certain;
  };
  for (const char* rules : {"", "udp dport 53 drop", "ct state established accept", "limit rate 1/second burst 1 packets drop", "meta length > 1000 counter drop",
                            "limit rate over 1/second counter drop\nreject", "add @gone { ip saddr } drop", "numgen inc mod 2 0 drop", "udp dport 54 accept\nmeta length 20 reject",
                            "numgen inc mod 2 1 return"})
    BOOST_TEST(certain(rules), rules);
  for (const char* rules : {"meta length > 1000 accept", "limit rate 1/day burst 1 packets drop\nudp dport 54 accept", "numgen inc mod 2 1 accept", "meta length > 1000 jump other",
                            "meta length > 1000 goto nobody", "ip saddr @gone accept", "meta length vmap { 1000 : accept, 1001 : drop }"})
    BOOST_TEST(!certain(rules), rules);
}

BOOST_AUTO_TEST_CASE(a_classifier_asks_too) {
  BOOST_TEST(steady(many("udp sport {} drop", "accept")));
  BOOST_TEST(!steady(many("meta length {} drop", "accept")));
  BOOST_TEST(!steady(many("ip dscp {} counter drop", "accept")));
}

BOOST_AUTO_TEST_CASE(counters_that_are_met_are_listed) {
  Firewall firewall(in_chain("counter\nudp dport 53 counter\nudp dport 54 counter\ncounter accept"));
  const ruleset::Evaluation& met = firewall.at(ruleset::At::forward, datagram(1000, 53), chain::FlowState::established);
  BOOST_TEST(met.steady);
  BOOST_TEST(met.counters_met == 3U);
  BOOST_TEST(!steady("counter\ncounter\ncounter\ncounter\ncounter\ncounter accept"));  // more than a lane holds
}

BOOST_AUTO_TEST_CASE(a_flows_mark_that_changes_is_told) {
  Firewall firewall(in_chain("ct mark set 5 accept"));
  BOOST_TEST(firewall.at(ruleset::At::forward, datagram(1000, 53), chain::FlowState::established).marks_flow);
  BOOST_TEST(!firewall.at(ruleset::At::forward, datagram(1000, 53), chain::FlowState::established).marks_flow);
}
