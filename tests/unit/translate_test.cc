// Packets through the whole chain with a ruleset that translates: bytes, answers, tuples.
#define BOOST_TEST_MODULE translate
#include <boost/test/unit_test.hpp>

#include "common/packet/checksum.h"
#include "common/packet/icmp.h"
#include "common/packet/packet.h"
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr size_t kLan = 0, kWan = 1;
const Address kClient = address("10.0.0.1"), kServer = address("192.0.2.1"), kRouter = address("192.0.2.254");

control::Settings with(const std::string& chains) {
  return with_rules(router_settings(64, 8, 64), ("table ip t {\n" + chains + "}\n").c_str());
}
const std::string kMasquerade = "chain post { type nat hook postrouting priority 100; oifname \"wan\" masquerade; }\n";

std::string dnat(const std::string& rule) {
  return "chain pre { type nat hook prerouting priority -100; " + rule + "; }\n";
}

Bytes datagram(Ends ends, uint16_t from, uint16_t to, const IpFields& fields = {}) {
  return ip(ends, packet::protocol::udp, udp(ends, from, to, pattern(20)), fields);
}
Arrival arrives(size_t in, const Bytes& packet) { return {in, ethernet(packet)}; }

/// A frame's packet, whose checksums must be right.
Bytes packet_of(const Bytes& frame) {
  packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  BOOST_TEST((packet::verify_checksum(frame, headers) != packet::Checksum::bad));
  if (headers.tuple.l3 == 4) BOOST_TEST(packet::ipv4_header_good(frame, headers));
  return {frame.begin() + 14, frame.end()};
}

/// A packet that is masqueraded, and an ICMP error about it from a router on its way.
Routed told_of_a_masqueraded_packet(uint8_t type, uint8_t code, size_t quoted = 1500) {
  Bytes outside = datagram({kRouter, kServer}, 5000, 53, {.hop_limit = 63});
  outside.resize(std::min(outside.size(), quoted));
  Ends const back{address("192.0.2.77"), kRouter};
  return through(with(kMasquerade), {arrives(kLan, datagram({kClient, kServer}, 5000, 53)),
                                     arrives(kWan, ip(back, packet::protocol::icmp, icmp_error(back, type, code, outside)))});
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_masqueraded_flow_leaves_from_the_interfaces_address_and_comes_back_to_the_client) {
  auto const routed = through(with(kMasquerade), {arrives(kLan, datagram({kClient, kServer}, 5000, 53)),
                                                  arrives(kWan, datagram({kServer, kRouter}, 53, 5000))});
  BOOST_REQUIRE((routed.wan.size() == 1 && routed.lan.size() == 1));
  BOOST_TEST(packet_of(routed.wan[0]) == datagram({kRouter, kServer}, 5000, 53, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(packet_of(routed.lan[0]) == datagram({kServer, kClient}, 53, 5000, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(routed.says("\"state\":\"new\",\"nat\":{\"src\":\"192.0.2.254:5000\"}") == 1U, routed.verdicts);
  BOOST_TEST(routed.says("\"state\":\"established\",\"nat\":{\"dst\":\"10.0.0.1:5000\"}") == 1U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(two_clients_with_one_port_get_two) {
  auto const routed = through(with(kMasquerade), {arrives(kLan, datagram({kClient, kServer}, 5000, 53)),
                                                  arrives(kLan, datagram({kClient.plus(1), kServer}, 5000, 53))});
  BOOST_REQUIRE(routed.wan.size() == 2U);
  uint16_t const first = load_be16(routed.wan[0].data() + 34), second = load_be16(routed.wan[1].data() + 34);
  BOOST_TEST((first == 5000 && second != 5000 && second >= 1024));
  packet_of(routed.wan[1]);
}

BOOST_AUTO_TEST_CASE(an_answer_right_behind_the_first_packet_finds_its_flow) {
  std::vector<Arrival> arrivals;
  for (uint32_t i = 0; i < 20; ++i) {
    auto const port = static_cast<uint16_t>(5000 + i);
    arrivals.push_back(arrives(kLan, datagram({kClient, kServer}, port, 53)));
    arrivals.push_back(arrives(kWan, datagram({kServer, kRouter}, 53, port)));
  }
  auto const routed = through(with(kMasquerade), arrivals, 0);
  BOOST_TEST(routed.lan.size() == 20U);
  BOOST_TEST(routed.local.empty());
}

BOOST_AUTO_TEST_CASE(an_sctp_packet_leaves_with_a_sum_of_its_own) {
  Ends const there{kClient, kServer};
  Bytes l4{0x13, 0x88, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 1, 0, 1, 0, 0, 0, 1};  // INIT
  uint32_t const sum = packet::sctp_checksum(l4);
  for (size_t i = 0; i < 4; ++i) l4[8 + i] = static_cast<uint8_t>(sum >> 8 * i);
  auto const routed = through(with("chain post { type nat hook postrouting priority 100; meta l4proto sctp snat to 192.0.2.7:700; }\n"),
                              {arrives(kLan, ip(there, packet::protocol::sctp, l4))});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  Bytes const left = packet_of(routed.wan[0]);
  BOOST_TEST((left[15] == 7 && load_be16(left.data() + 20) == 700));
}

BOOST_AUTO_TEST_CASE(a_forwarded_port_reaches_the_server_and_answers_come_from_the_router) {
  auto const rules = dnat("udp dport 53 dnat to 10.0.0.9:5353") +
                     "chain f { type filter hook forward priority 0; policy drop; ct status dnat accept; }\n" +
                     "chain early { type filter hook prerouting priority -150; ip daddr 192.0.2.254 counter; }\n";
  Address const inside = address("10.0.0.9");
  auto const routed = through(with(rules), {arrives(kWan, datagram({kServer, kRouter}, 4000, 53)),
                                            arrives(kLan, datagram({inside, kServer}, 5353, 4000))});
  BOOST_REQUIRE((routed.lan.size() == 1 && routed.wan.size() == 1));
  BOOST_TEST(packet_of(routed.lan[0]) == datagram({kServer, inside}, 4000, 5353, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(packet_of(routed.wan[0]) == datagram({kRouter, kServer}, 53, 4000, {.hop_limit = 63}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_map_gives_address_and_port) {
  auto const rules = dnat("dnat ip addr . port to udp dport map { 53 : 10.0.0.8 . 530, 54 : 10.0.0.9 . 540 }");
  auto const routed = through(with(rules), {arrives(kWan, datagram({kServer, kRouter}, 4000, 53)),
                                            arrives(kWan, datagram({kServer, kRouter}, 4000, 54)),
                                            arrives(kWan, datagram({kServer, kRouter}, 4000, 55))});
  BOOST_REQUIRE((routed.lan.size() == 2 && routed.local.size() == 1));
  BOOST_TEST(packet_of(routed.lan[0]) == datagram({kServer, address("10.0.0.8")}, 4000, 530, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(packet_of(routed.lan[1]) == datagram({kServer, address("10.0.0.9")}, 4000, 540, {.hop_limit = 63}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_redirect_is_for_the_router_itself) {
  auto const routed = through(with(dnat("udp dport 53 redirect to :5300")),
                              {arrives(kLan, datagram({kClient, kServer}, 4000, 53))});
  BOOST_REQUIRE(routed.local.size() == 1U);
  BOOST_TEST(packet_of(routed.local[0]) == datagram({kClient, address("10.0.0.254")}, 4000, 5300), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_icmp_error_about_a_translated_packet_is_translated_inside_and_outside) {
  auto const routed = told_of_a_masqueraded_packet(3, 1);
  BOOST_REQUIRE(routed.lan.size() == 1U);
  Ends const there{address("192.0.2.77"), kClient};
  Bytes const want = ip(there, packet::protocol::icmp, icmp_error(there, 3, 1, datagram({kClient, kServer}, 5000, 53, {.hop_limit = 63})),
                        {.hop_limit = 63});
  BOOST_TEST(packet_of(routed.lan[0]) == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_icmp_error_must_quote_all_that_is_translated) {
  constexpr size_t ip = 20, udp = 8;
  BOOST_TEST(told_of_a_masqueraded_packet(3, 1, ip + udp).lan.size() == 1U);
  auto const routed = told_of_a_masqueraded_packet(3, 1, ip + udp - 1);
  BOOST_TEST(routed.lan.empty());
  BOOST_TEST(routed.dropped("nat_error") == 1U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(an_icmp_redirect_about_a_translated_packet_is_dropped) {
  auto const routed = told_of_a_masqueraded_packet(5, 1);
  BOOST_TEST((routed.lan.empty() && routed.local.empty()));
  BOOST_TEST(routed.dropped("nat_error") == 1U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(what_is_refused_behind_a_forwarded_port_is_said_by_the_address_that_was_asked) {
  auto const rules = dnat("udp dport 53 dnat to 10.0.0.9") + "chain f { type filter hook forward priority 0; reject; }\n";
  Bytes const asked = datagram({kServer, address("192.0.2.200")}, 4000, 53);
  auto const routed = through(with(rules), {arrives(kWan, asked)});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  Bytes const said = packet_of(routed.wan[0]);
  BOOST_TEST((said[12] == 192 && said[15] == 200));
  Bytes const quoted = datagram({kServer, address("192.0.2.200")}, 4000, 53, {.hop_limit = 63});  // as forward has it
  BOOST_TEST(Bytes(said.begin() + 28, said.end()) == quoted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(when_a_range_has_no_port_left_the_packet_is_dropped) {
  auto const rules = "chain post { type nat hook postrouting priority 100; udp dport 53 snat to 203.0.113.1:7000-7001; }\n";
  std::vector<Arrival> arrivals;
  for (uint32_t i = 0; i < 4; ++i) arrivals.push_back(arrives(kLan, datagram({kClient.plus(i), kServer}, 5000, 53)));
  auto const routed = through(with(rules), arrivals);
  BOOST_TEST(routed.wan.size() == 2U);
  BOOST_TEST(routed.dropped("nat_clash") == 2U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(chains_of_type_nat_are_asked_once_a_flow) {
  auto const rules = "chain post { type nat hook postrouting priority 100; limit rate over 1/hour burst 1 packets drop; }\n";
  std::vector<Arrival> arrivals;
  for (uint16_t i = 0; i < 4; ++i) arrivals.push_back(arrives(kLan, datagram({kClient, kServer}, 5000, 53)));
  BOOST_TEST(through(with(rules), arrivals).wan.size() == 4U);
}

// What chains behind the translation see, of which nat decides later (services/rules/foreseen.h). through() holds what was foreseen against what nat has bound.

namespace {
std::string late(const std::string& rule, const std::string& source = "oifname \"wan\" masquerade") {
  return "chain post { type nat hook postrouting priority 100; " + source + "; }\n" +
         "chain late { type filter hook postrouting priority 200; " + rule + "; }\n";
}
Arrival asks(uint32_t client, uint16_t from = 5000) { return arrives(kLan, datagram({kClient.plus(client), kServer}, from, 53)); }
}  // namespace

BOOST_AUTO_TEST_CASE(a_later_chain_sees_the_port_that_nat_moves_a_flow_to_at_once) {
  std::vector<Arrival> arrivals;
  for (uint32_t i = 0; i < 30; ++i) arrivals.push_back(asks(i));
  auto const routed = through(with(late("udp sport != 5000 counter drop")), arrivals, 0);
  BOOST_TEST(routed.wan.size() == 1U);
  BOOST_TEST(routed.drops.size() == 29U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(a_flow_that_a_later_chain_drops_takes_no_port) {
  std::vector<Arrival> arrivals;
  for (uint32_t i = 0; i < 9; ++i) arrivals.push_back(asks(i));
  BOOST_TEST(through(with(late("udp sport 5000 counter drop")), arrivals, 0).drops.size() == 9U);
}

BOOST_AUTO_TEST_CASE(the_port_of_a_flow_that_has_ended_is_seen_to_be_free) {
  auto const routed = through(with(late("udp sport != 5000 counter drop")), {asks(0), asks(1), asks(2)}, 31'000 * kMillisecond);
  BOOST_TEST(routed.wan.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_flow_for_which_nat_finds_no_port_is_not_foreseen_to_have_one) {
  auto const settings = with(late("udp sport 700 ip daddr 192.0.2.1 counter", "udp dport 53 snat to 192.0.2.7:700"));
  auto const routed = through(settings, {asks(0), asks(1), asks(0), asks(2), arrives(kLan, datagram({kClient, kServer.plus(1)}, 5000, 53))}, 0);
  BOOST_TEST(routed.wan.size() == 3U);
  BOOST_TEST(routed.dropped("nat_clash") == 2U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(where_only_echoes_are_seen_the_identifiers_of_all_of_them_are_foreseen) {
  auto const rules = kMasquerade + dnat("ip daddr 192.0.2.254 dnat to 10.0.0.9") + "chain f { type filter hook forward priority 0; icmp id 7 counter; }\n";
  std::vector<Arrival> arrivals;
  for (uint32_t i = 0; i < 6; ++i) {
    Ends const there{kClient.plus(i), kServer}, back{kServer.plus(i), kRouter};
    arrivals.push_back(arrives(kLan, ip(there, packet::protocol::icmp, echo(there, true, 7, 1, pattern(8)))));
    arrivals.push_back(arrives(kWan, ip(back, packet::protocol::icmp, echo(back, true, 7, 1, pattern(8)))));
    arrivals.push_back(asks(i));
  }
  auto const routed = through(with(rules), arrivals, 0);
  BOOST_TEST((routed.wan.size() == 12U && routed.lan.size() == 6U));
}
