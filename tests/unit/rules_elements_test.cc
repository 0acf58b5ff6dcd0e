// What elements of sets that stay do when they are found, and objects that maps name.
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

Bytes asks(uint16_t port) { return datagram(1000, port); }

}  // namespace

BOOST_AUTO_TEST_CASE(an_intervals_counter_counts_what_is_found_in_it_alone) {
  Firewall firewall(in_chain("udp dport @s accept", "set s { type inet_service; flags interval; counter; elements = { 10-19, 30, 40-49 counter packets 5 bytes 7 } }"));
  for (uint16_t const port : {uint16_t{10}, uint16_t{19}, uint16_t{20}, uint16_t{30}, uint16_t{45}}) BOOST_TEST(firewall(asks(port)) == (port == 20 ? "policy" : "accept"));
  BOOST_TEST(firewall.elements("set s") == "10-19 counter packets 2 bytes 96, 30 counter packets 1 bytes 48, 40-49 counter packets 6 bytes 55");
}

BOOST_AUTO_TEST_CASE(an_elements_limit_ends_the_rule) {
  Firewall firewall(in_chain("udp dport vmap { 10-19 limit rate 1/second burst 2 packets : accept, 20 : accept }"));
  BOOST_TEST(firewall(asks(10)) == "accept");
  BOOST_TEST(firewall(asks(11)) == "accept");
  BOOST_TEST(firewall(asks(12)) == "policy");
  BOOST_TEST(firewall(asks(20)) == "accept");
  firewall.now_ns += kSecond;
  BOOST_TEST(firewall(asks(13)) == "accept");
}

BOOST_AUTO_TEST_CASE(an_element_that_is_not_found_does_nothing) {
  Firewall firewall(in_chain("ip saddr . udp dport != @s accept", "set s { type ipv4_addr . inet_service; flags interval; counter; elements = { 10.0.0.0/8 . 10-19 } }"));
  BOOST_TEST(firewall(asks(10)) == "policy");
  BOOST_TEST(firewall(asks(20)) == "accept");
  BOOST_TEST(firewall.elements("set s") == "10.0.0.0/8 . 10-19 counter packets 0 bytes 0");
}

BOOST_AUTO_TEST_CASE(a_map_says_which_counter_counts) {
  Firewall firewall(in_chain("counter name udp dport map { 10 : \"low\", 20-29 : \"high\", 30 : \"low\" }\n counter name ip saddr . udp dport map @m accept",
                             "counter low { packets 1 bytes 2; }\n counter high { }\n"
                             "map m { type ipv4_addr . inet_service : counter; elements = { 10.0.0.7 . 30 : \"high\" } }"));
  for (uint16_t const port : {uint16_t{10}, uint16_t{25}, uint16_t{30}}) BOOST_TEST(firewall(asks(port)) == (port == 30 ? "accept" : "policy"));
  BOOST_TEST(firewall(asks(31)) == "policy");
  firewall.elements("map m");
  BOOST_TEST(firewall.text.find("counter low {\n\t\tpackets 3 bytes 98\n") != std::string::npos);
  BOOST_TEST(firewall.text.find("counter high {\n\t\tpackets 2 bytes 96\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_object_is_one_by_its_name_and_by_a_map) {
  Firewall firewall(in_chain("udp dport 1 limit name \"l\" accept\n limit name udp dport map @m accept",
                             "limit l { rate 1/second burst 2 packets; }\n map m { type inet_service : limit; flags interval; elements = { 10-19 : \"l\" } }"));
  BOOST_TEST(firewall(asks(1)) == "accept");
  BOOST_TEST(firewall(asks(12)) == "accept");
  BOOST_TEST(firewall(asks(1)) == "policy");
  BOOST_TEST(firewall(asks(12)) == "policy");
}

BOOST_AUTO_TEST_CASE(a_maps_object_is_there_as_long_as_its_element) {
  Firewall firewall(in_chain("quota name udp dport map @m accept",
                             "quota q { until 100 bytes; }\n map m { type inet_service : quota; flags timeout; elements = { 10 timeout 5s : \"q\", * : \"q\" } }"));
  BOOST_TEST(firewall(asks(10)) == "accept");
  BOOST_TEST(firewall(asks(11)) == "accept");
  BOOST_TEST(firewall(asks(10)) == "policy");  // used up
  firewall.now_ns += 5 * kSecond;
  BOOST_TEST(firewall.elements("map m") == "* : \"q\"");
}

BOOST_AUTO_TEST_CASE(one_for_all_others_is_found_last_in_a_set_that_changes) {
  Firewall firewall(in_chain("udp dport vmap @m", "map m { type inet_service : verdict; flags timeout; counter; elements = { 10 timeout 5s : accept, * : drop } }"));
  BOOST_TEST(firewall(asks(10)) == "accept");
  BOOST_TEST(firewall(asks(11)) == "drop");
  firewall.now_ns += 5 * kSecond;
  BOOST_TEST(firewall(asks(10)) == "drop");
  BOOST_TEST(firewall.elements("map m") == "* counter packets 2 bytes 96 : drop");
}

BOOST_AUTO_TEST_CASE(what_an_element_does_that_goes_is_not_taken_for_steady) {
  Firewall firewall(in_chain("ip saddr @s accept", "set s { type ipv4_addr; flags interval,timeout; elements = { 10.0.0.0/24 timeout 5s } }"));
  BOOST_TEST(firewall(asks(10)) == "accept");
  BOOST_TEST(!firewall.packet.steady);
  Firewall counting(in_chain("ip saddr @s accept", "set s { type ipv4_addr; flags interval; counter; elements = { 10.0.0.0/24 } }"));
  BOOST_TEST(counting(asks(10)) == "accept");
  BOOST_TEST(counting.packet.steady);
  BOOST_TEST(int{counting.packet.counters_met} == 1);
}

BOOST_AUTO_TEST_CASE(what_two_visits_would_change_through_a_map_is_seen_as_shared) {
  std::string const objects = "limit l { rate 1/second; }\n map m { type inet_service : limit; elements = { 10 : \"l\" } }\n"
                              "chain early { type filter hook prerouting priority -300; limit name udp dport map @m accept\n }";
  BOOST_TEST(Firewall(in_chain("limit name \"l\" accept", objects)).loaded->program.early_shares);
  BOOST_TEST(!Firewall(in_chain("accept", objects)).loaded->program.early_shares);
}
