// What rules say of flows, through the whole chain: how long they live, their labels, how many there may be, their zones.
#define BOOST_TEST_MODULE ct_statements
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSecond = 1000 * kMillisecond;
const Ends kOut{address("10.0.0.1"), address("192.0.2.1")};

Bytes datagram(uint16_t from, const Ends& ends = kOut, uint16_t to = 53, IpFields fields = {}) {
  return ethernet(ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(20)), fields));
}
Bytes answer(uint16_t to) { return datagram(53, kOut.back(), to); }
Bytes segment(bool back, uint16_t client, uint8_t flags, uint32_t seq, uint32_t ack) {
  Ends const ends = back ? kOut.back() : kOut;
  return ethernet(ip(ends, packet::protocol::tcp,
                     tcp(ends, {.src_port = back ? uint16_t{22} : client, .dst_port = back ? client : uint16_t{22}, .seq = seq, .ack = ack, .flags = flags})));
}

Routed through_rules(const std::string& rules, const std::vector<Arrival>& arrivals, uint64_t apart_ns = kMillisecond) {
  Routed routed;
  std::string first;
  for (bool const fast_lane : {false, true}) {
    control::Settings settings = with_rules(router_settings(16, 4, 64), rules.c_str());
    settings.fast_lane = fast_lane;
    routed = through(settings, arrivals, apart_ns);
    if (!fast_lane) first = routed.verdicts;
  }
  BOOST_TEST(first == routed.verdicts);
  return routed;
}

std::string forward(const std::string& rules, const std::string& more = "") {
  return "table inet t {\n" + more + "\nchain f { type filter hook forward priority 0; policy accept;\n" + rules + "\n}\n}\n";
}

size_t fresh(const Routed& routed) { return routed.says("\"state\":\"new\""); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_flow_lives_as_long_as_its_policy_says) {
  std::string const policy = "ct timeout brief { protocol udp; l3proto inet; policy = { unreplied : 3, replied : 5 }; }";
  std::vector<Arrival> const every_four_seconds{{0, datagram(1000)}, {1, answer(1000)}, {0, datagram(1000)}, {1, answer(1000)}, {0, datagram(1000)}};
  BOOST_TEST(fresh(through_rules(forward(""), every_four_seconds, 4 * kSecond)) == 1U);
  // The answer comes too late, begins a flow, and so on: one that is no stream yet lives three seconds.
  BOOST_TEST(fresh(through_rules(forward("ct timeout set \"brief\"", policy), every_four_seconds, 4 * kSecond)) == 5U);
  BOOST_TEST(fresh(through_rules(forward("ct timeout set \"brief\"", policy), every_four_seconds, 2 * kSecond)) == 1U);
  // Said of a flow that is known already it changes nothing.
  BOOST_TEST(fresh(through_rules(forward("ct state established ct timeout set \"brief\"", policy), every_four_seconds, 4 * kSecond)) == 1U);
}

BOOST_AUTO_TEST_CASE(a_stream_lives_as_long_as_its_policy_says) {
  std::string const policy = "ct timeout brief { protocol udp; l3proto inet; policy = { unreplied : 30, replied : 5 }; }";
  std::vector<Arrival> flow{{0, datagram(1000)}, {1, answer(1000)}};
  for (int i = 0; i < 3; ++i) flow.push_back({0, datagram(1000)});
  BOOST_TEST(fresh(through_rules(forward("ct timeout set \"brief\"", policy), flow, 6 * kSecond)) == 3U);  // the first, and the last two, of another flow
  BOOST_TEST(fresh(through_rules(forward(""), flow, 6 * kSecond)) == 1U);
}

BOOST_AUTO_TEST_CASE(a_policy_of_another_protocol_is_not_the_flows) {
  std::string const policy = "ct timeout brief { protocol tcp; l3proto inet; policy = { established : 1, syn_sent : 1 }; }";
  std::vector<Arrival> const flow{{0, datagram(1000)}, {1, answer(1000)}};
  BOOST_TEST(fresh(through_rules(forward("ct timeout set \"brief\"", policy), flow, 4 * kSecond)) == 1U);
}

BOOST_AUTO_TEST_CASE(labels_are_added_and_seen_by_the_flows_next_packets) {
  std::string const rules = "ct label 7,100 ct direction reply drop\n udp dport 53 ct label set 100\n ct label == 100 udp sport 53 drop\n ct label set 1";
  std::vector<Arrival> const flows{{0, datagram(1000)}, {1, answer(1000)}, {0, datagram(1001, kOut, 54)}, {1, datagram(54, kOut.back(), 1001)}};
  Routed const routed = through_rules(forward(rules), flows);
  BOOST_TEST(routed.wan.size() == 2U);
  BOOST_TEST(routed.lan.size() == 1U);
}

BOOST_AUTO_TEST_CASE(more_connections_than_may_be_are_refused_until_one_has_ended) {
  std::string const rules = forward("tcp dport 22 ct state new ct count over 2 drop");
  auto const open = [](uint16_t client) -> std::vector<Arrival> {
    return {{0, segment(false, client, tcp_flag::syn, 1, 0)}, {1, segment(true, client, tcp_flag::syn | tcp_flag::ack, 1, 2)},
            {0, segment(false, client, tcp_flag::ack, 2, 2)}};
  };
  std::vector<Arrival> all;
  auto const add = [&](const std::vector<Arrival>& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(open(1000));
  add(open(1001));
  add({{0, segment(false, 1002, tcp_flag::syn, 1, 0)}, {0, segment(false, 1002, tcp_flag::syn, 1, 0)}, {0, segment(false, 1003, tcp_flag::syn, 1, 0)}});
  BOOST_TEST(through_rules(rules, all).drops.size() == 3U);
  add({{0, segment(false, 1000, tcp_flag::rst, 2, 0)}});
  add(open(1004));
  add({{0, segment(false, 1005, tcp_flag::syn, 1, 0)}});
  BOOST_TEST(through_rules(rules, all).drops.size() == 4U);
}

BOOST_AUTO_TEST_CASE(connections_that_have_expired_do_not_count) {
  std::vector<Arrival> flows;
  for (uint16_t from = 1000; from < 1010; ++from) flows.push_back({0, datagram(from)});
  std::string const rules = forward("udp dport 53 ct count over 2 drop");
  BOOST_TEST(through_rules(rules, flows).drops.size() == 8U);
  BOOST_TEST(through_rules(rules, flows, 40 * kSecond).drops.size() == 0U);
}

BOOST_AUTO_TEST_CASE(each_host_has_connections_of_its_own_in_a_set) {
  std::string const rules = forward("add @hosts { ip saddr ct count over 1 } drop", "set hosts { type ipv4_addr; size 16; flags dynamic; }");
  Ends const other{address("10.0.0.2"), address("192.0.2.1")};
  std::vector<Arrival> const flows{{0, datagram(1000)}, {0, datagram(1001)}, {0, datagram(1000, other)}, {0, datagram(1001, other)}, {0, datagram(1000)}};
  // The last one too: who finds itself in the list looks no further, and the one that was refused is still in it.
  BOOST_TEST(through_rules(rules, flows).drops.size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_same_addresses_in_two_zones_are_two_flows) {
  std::string const raw = "table inet raw {\nchain p { type filter hook prerouting priority raw; ip ttl 33 ct zone set 5; }\n}\n";
  IpFields marked;
  marked.hop_limit = 33;
  std::vector<Arrival> const flows{{0, datagram(1000)}, {1, answer(1000)}, {0, datagram(1000, kOut, 53, marked)}, {0, datagram(1000)}, {0, datagram(1000, kOut, 53, marked)}};
  BOOST_TEST(fresh(through_rules(raw + forward(""), flows)) == 3U);
  BOOST_TEST(through_rules(raw + forward("ct zone 5 drop"), flows).drops.size() == 2U);
  BOOST_TEST(fresh(through_rules(forward(""), flows)) == 1U);
}

BOOST_AUTO_TEST_CASE(a_zone_of_one_direction_leaves_the_answers_where_they_were) {
  std::vector<Arrival> const flow{{0, datagram(1000)}, {1, answer(1000)}};
  auto const raw = [](const std::string& rule) { return "table inet raw {\nchain p { type filter hook prerouting priority raw; " + rule + "; }\n}\n"; };
  BOOST_TEST(fresh(through_rules(raw("iifname \"lan\" ct original zone set 5") + forward(""), flow)) == 1U);
  BOOST_TEST(fresh(through_rules(raw("iifname \"lan\" ct zone set 5") + forward(""), flow)) == 2U);
  BOOST_TEST(fresh(through_rules(raw("iifname \"lan\" ct reply zone set 5") + forward(""), flow)) == 2U);
  BOOST_TEST(fresh(through_rules(raw("ct reply zone set 5") + forward(""), flow)) == 1U);
  BOOST_TEST(through_rules(raw("iifname \"lan\" ct original zone set 5") + forward("ct original zone 5 ct reply zone 0 ct direction reply drop"), flow).lan.empty());
}
