// Packets through the whole chain in router wiring, and what leaves: bytes, answers, reasons.
#define BOOST_TEST_MODULE router
#include <boost/test/unit_test.hpp>

#include "common/packet/icmp.h"
#include "common/packet/internet_checksum.h"
#include "tests/simulation/router.h"
#include "tests/tools/packets.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// Frames that come in by lan, a millisecond apart.
Routed through(const std::vector<Bytes>& frames, uint64_t apart_ns = kMillisecond) {
  std::vector<Arrival> arrivals;
  for (const Bytes& frame : frames) arrivals.push_back({0, frame});
  return through(router_settings(64, 8, 64), arrivals, apart_ns);
}

const Ends kOut{address("10.0.0.7"), address("192.0.2.1")};
const Ends kOut6{address("2001:db8::7"), address("2001:db8:1::1")};

Bytes datagram(const Ends& ends, const IpFields& fields = {}, size_t length = 20) {
  return ip(ends, packet::protocol::udp, udp(ends, 5000, 53, pattern(length)), fields);
}

/// The ICMP message in a frame from the router.
struct Said {
  std::string from;
  uint8_t type, code;
  uint32_t info;
  Bytes quoted;
};
Said said(const Bytes& frame) {
  bool const v4 = frame[14] >> 4 == 4;
  size_t const l4 = 14 + (v4 ? 20 : 40);
  IpAddress from;
  from.l3 = v4 ? 4 : 6;
  std::copy_n(frame.begin() + 14 + (v4 ? 12 : 8), from.size(), from.bytes.begin());
  if (v4) {
    BOOST_TEST(packet::checksum_fold(packet::checksum_add({frame.data() + 14, 20})) == 0);
    BOOST_TEST(packet::checksum_fold(packet::checksum_add({frame.data() + l4, frame.size() - l4})) == 0);
  } else {
    uint64_t sum = packet::checksum_add({frame.data() + 14 + 8, 32}, to_network(static_cast<uint16_t>(frame.size() - l4)));
    sum += to_network(uint16_t{packet::protocol::icmpv6});
    BOOST_TEST(packet::checksum_fold(packet::checksum_add({frame.data() + l4, frame.size() - l4}, sum)) == 0);
  }
  return {text_of(from), frame[l4], frame[l4 + 1], load_be32(frame.data() + l4 + 4),
          Bytes(frame.begin() + static_cast<ptrdiff_t>(l4) + 8, frame.end())};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_routed_packet_leaves_with_the_next_hops_mac_and_one_hop_less) {
  Bytes const packet = datagram(kOut, {.hop_limit = 64});
  auto const routed = through({ethernet(packet)});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  BOOST_TEST(routed.lan.empty());
  Bytes const want = ethernet(datagram(kOut, {.hop_limit = 63}),
                              {.src = {0x02, 0, 0, 0, 1, 2}, .dst = {0x02, 0, 0, 0, 2, 1}, .vlans = {}});
  BOOST_TEST(routed.wan[0] == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_ipv6_packet_leaves_with_one_hop_less) {
  auto const routed = through({ethernet(datagram(kOut6, {.hop_limit = 2}))});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  Bytes const ip_part(routed.wan[0].begin() + 14, routed.wan[0].end());
  BOOST_TEST(ip_part == datagram(kOut6, {.hop_limit = 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(padding_and_vlan_tags_do_not_leave) {
  Bytes padded = ethernet(datagram(kOut, {}, 1), {.vlans = {7}});
  padded.resize(padded.size() + 13, 0xee);
  auto const routed = through({padded});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  BOOST_TEST(routed.wan[0].size() == 14U + 20 + 8 + 1);
}

BOOST_AUTO_TEST_CASE(the_last_hop_is_said_to_the_sender_with_the_packet_as_it_came) {
  Bytes const packet = datagram(kOut, {.hop_limit = 1}), packet6 = datagram(kOut6, {.hop_limit = 1});
  auto const routed = through({ethernet(packet), ethernet(packet6)});
  BOOST_TEST(routed.wan.empty());
  BOOST_TEST(routed.dropped("ttl") == 2U);
  BOOST_REQUIRE(routed.lan.size() == 2U);
  auto const first = said(routed.lan[0]), second = said(routed.lan[1]);
  BOOST_TEST(first.from == "10.0.0.254");
  BOOST_TEST((first.type == packet::icmp::time_exceeded && first.code == 0 && first.info == 0));
  BOOST_TEST(first.quoted == packet, boost::test_tools::per_element());
  BOOST_TEST(second.from == "2001:db8::fe");
  BOOST_TEST((second.type == packet::icmpv6::time_exceeded && second.code == 0));
  BOOST_TEST(second.quoted == packet6, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_too_big_is_refused_with_the_mtu_and_a_part_of_it) {
  auto const routed = through({ethernet(datagram(kOut, {.dont_fragment = true}, 1400)), ethernet(datagram(kOut6, {}, 1400))});
  BOOST_TEST(routed.dropped("too_big") == 2U);
  BOOST_REQUIRE(routed.lan.size() == 2U);
  auto const first = said(routed.lan[0]), second = said(routed.lan[1]);
  BOOST_TEST((first.type == packet::icmp::unreachable && first.code == packet::icmp::fragmentation_needed && first.info == 1300));
  BOOST_TEST(routed.lan[0].size() == 14U + 576);
  BOOST_TEST((second.type == packet::icmpv6::packet_too_big && second.info == 1300));
  BOOST_TEST(routed.lan[1].size() == 14U + 1280);
}

BOOST_AUTO_TEST_CASE(no_route_is_said_as_often_as_the_limits_allow) {
  Ends const nowhere{address("10.0.0.7"), address("203.0.113.9")};
  std::vector<Bytes> const burst(12, ethernet(datagram(nowhere)));
  auto const routed = through(burst);
  BOOST_TEST(routed.dropped("no_route") == 12U);
  // A new peer has five; each answer costs one as "no route" and one as an error.
  BOOST_TEST(routed.lan.size() == 2U);
  auto const first = said(routed.lan.at(0));
  BOOST_TEST((first.type == packet::icmp::unreachable && first.code == packet::icmp::net_unreachable));
  BOOST_TEST(through(burst, 2000 * kMillisecond).lan.size() == 12U);
}

BOOST_AUTO_TEST_CASE(errors_are_said_as_often_as_a_peer_and_all_of_them_together_may_hear) {
  auto const errors = [](uint32_t peers, bool limited, uint64_t apart_ns) {
    std::vector<Arrival> arrivals;
    for (uint32_t i = 0; i < 60; ++i) {
      Ends const ends{address(fmt::format("10.0.0.{}", 1 + i % peers)), address("192.0.2.1")};
      arrivals.push_back({0, ethernet(datagram(ends, {.hop_limit = 1}))});
    }
    control::Settings settings = router_settings(64, 8, 64);
    settings.answers_limited = limited;
    return through(settings, arrivals, apart_ns).lan.size();
  };
  constexpr uint64_t kAtOnce = 1000, kSecond = 1000 * kMillisecond;
  BOOST_TEST(errors(1, true, kAtOnce) == 6U);
  BOOST_TEST(errors(2, true, kAtOnce) == 12U);
  BOOST_TEST(errors(60, true, kAtOnce) == 50U);
  BOOST_TEST(errors(1, true, kSecond) == 60U);
  BOOST_TEST(errors(1, true, kSecond / 2) == 35U);  // six, and one more each second of 29.5
  BOOST_TEST(errors(1, false, kAtOnce) == 60U);
  BOOST_TEST(errors(60, false, kAtOnce) == 60U);
}

BOOST_AUTO_TEST_CASE(ipv6_packets_that_go_back_use_up_what_may_be_said_to_their_destination) {
  Address const host = address("2001:db8::7");
  Bytes const back = ethernet(datagram({address("2001:db8::8"), host}));
  Bytes const spent = ethernet(datagram({host, address("2001:db8:1::1")}, {.hop_limit = 1}));
  auto const errors_after = [&](size_t packets) {
    std::vector<Bytes> frames(packets, back);
    frames.insert(frames.end(), 12, spent);
    return through(frames, 1).lan.size() - packets;
  };
  // A redirect costs a second of six, an error a tenth.
  BOOST_TEST(errors_after(0) == 6U);
  BOOST_TEST(errors_after(5) == 10U);
  BOOST_TEST(errors_after(6) == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_for_the_router_is_local) {
  Ends const here{address("10.0.0.7"), address("192.0.2.254")}, here6{address("2001:db8::7"), address("2001:db8::fe")};
  Ends const all{address("10.0.0.7"), address("10.0.0.255")};
  std::vector<Bytes> const frames{ethernet(datagram(here)), ethernet(datagram(here6)), ethernet(datagram(all))};
  auto const routed = through(frames);
  BOOST_REQUIRE(routed.local.size() == 3U);
  for (size_t i = 0; i < 3; ++i) BOOST_TEST(routed.local[i] == frames[i], boost::test_tools::per_element());
  BOOST_TEST((routed.lan.empty() && routed.wan.empty() && routed.drops.empty()));
}

BOOST_AUTO_TEST_CASE(martians_and_groups_go_nowhere_and_are_not_answered) {
  struct Row {
    const char *from, *to, *reason;
  };
  constexpr std::array<Row, 9> rows{{{"127.0.0.1", "192.0.2.1", "martian_source"},
                                    {"10.0.0.7", "127.0.0.1", "martian_destination"},
                                    {"224.0.0.1", "192.0.2.1", "martian_source"},
                                    {"0.0.0.0", "192.0.2.1", "martian_source"},
                                    {"10.0.0.254", "192.0.2.1", "martian_source"},
                                    {"10.0.0.7", "0.0.0.0", "martian_destination"},
                                    {"10.0.0.7", "224.0.0.9", "group"},
                                    {"::1", "2001:db8:1::1", "martian_source"},
                                    {"2001:db8::7", "ff05::1:3", "group"}}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.from << " to " << row.to) {
      Ends const ends{address(row.from), address(row.to)};
      auto const routed = through({ethernet(datagram(ends, {.hop_limit = 1}))});
      BOOST_TEST(routed.dropped(row.reason) == 1U, routed.verdicts);
      BOOST_TEST((routed.lan.empty() && routed.wan.empty()));
    }
}

BOOST_AUTO_TEST_CASE(errors_and_frames_to_groups_are_not_answered) {
  IpFields const last{.hop_limit = 1};
  Bytes const error = ip(kOut, packet::protocol::icmp, icmp_error(kOut, 3, 3, datagram(kOut.back())), last);
  Bytes const error6 = ip(kOut6, packet::protocol::icmpv6, icmp_error(kOut6, 1, 4, datagram(kOut6.back())), last);
  Bytes const loud = ethernet(datagram(kOut, last), {.dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .vlans = {}});
  auto const routed = through({ethernet(error), ethernet(error6), loud});
  BOOST_TEST(routed.dropped("ttl") == 2U, routed.verdicts);
  BOOST_TEST(routed.dropped("not_unicast") == 1U);
  BOOST_TEST(routed.lan.empty());
  BOOST_TEST(through({ethernet(datagram(kOut, last))}).lan.size() == 1U);
}

BOOST_AUTO_TEST_CASE(frames_to_others_are_taken_unless_mac_addresses_are_strict) {
  Mac const own{0x02, 0, 0, 0, 1, 1}, group{0x01, 0, 0x5e, 0, 0, 1};
  std::vector<Arrival> arrivals;
  for (const Mac& to : {own, Mac{0x02, 0, 0, 0, 1, 2}, Mac{0x02, 9, 9, 9, 9, 9}, group})
    arrivals.push_back({0, ethernet(datagram(kOut), {.dst = to, .vlans = {}})});
  auto settings = router_settings(64, 8, 64);
  BOOST_TEST(through(settings, arrivals).wan.size() == 3U);
  settings.strict_mac = true;
  auto const strict = through(settings, arrivals);
  BOOST_TEST(strict.wan.size() == 1U);
  BOOST_TEST(strict.dropped("not_ours") == 2U);
  BOOST_TEST(strict.dropped("not_unicast") == 1U);
}

BOOST_AUTO_TEST_CASE(link_local_sources_do_not_cross_the_router) {
  Ends const near{address("fe80::7"), address("2001:db8:1::1")};
  auto const routed = through({ethernet(datagram(near))});
  BOOST_TEST(routed.dropped("beyond_scope") == 1U);
  BOOST_REQUIRE(routed.lan.size() == 1U);
  BOOST_TEST((said(routed.lan[0]).code == packet::icmpv6::beyond_scope));
}
