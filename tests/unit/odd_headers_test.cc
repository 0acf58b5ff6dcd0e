// What a router looks at in the network layer alone: options, hop-by-hop options, groups, addresses of nobody; and what senders leave to
// their cards.
#include <boost/test/unit_test.hpp>

#include "common/packet/icmp.h"
#include "common/packet/ip_header.h"
#include "tests/simulation/router.h"
#include "tests/tools/packets.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

const Ends kOut{address("10.0.0.7"), address("192.0.2.1")};
const Ends kOut6{address("2001:db8::7"), address("2001:db8:1::1")};

Bytes datagram(const Ends& ends, const IpFields& fields = {}, size_t length = 20) {
  return ip(ends, packet::protocol::udp, udp(ends, 5000, 53, pattern(length)), fields);
}
Bytes with_options(const Bytes& options, uint8_t hops = 64) { return datagram(kOut, {.hop_limit = hops, .extensions = options}); }
Bytes with_hop_options(const Bytes& options, const Ends& ends = kOut6) {
  Bytes header{packet::protocol::udp, static_cast<uint8_t>(options.size() / 8)};
  header.insert(header.end(), options.begin(), options.end());
  return datagram(ends, {.extensions = header, .first_extension = packet::protocol::hop_by_hop});
}

Routed through(const Bytes& packet, bool with_rules = false) {
  control::Settings settings = router_settings(64, 8, 64);
  if (!with_rules) settings.ruleset = {};
  return bulkhead::test::through(settings, {{0, ethernet(packet)}});
}

Bytes options_of(const Bytes& frame) {
  return {frame.begin() + 34, frame.begin() + 14 + static_cast<ptrdiff_t>(packet::ip_header::length(frame[14]))};
}

bool is_sound(const Bytes& frame) {
  return packet::checksum_fold(packet::checksum_add(std::span(frame).subspan(14, packet::ip_header::length(frame[14])))) == 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_route_is_recorded_with_the_address_that_the_packet_leaves_from) {
  for (bool const with_rules : {false, true}) {
    auto const routed = through(with_options({7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}), with_rules);
    BOOST_REQUIRE(routed.wan.size() == 1U);
    BOOST_TEST(options_of(routed.wan[0]) == (Bytes{7, 11, 8, 192, 0, 2, 254, 0, 0, 0, 0, 0}), boost::test_tools::per_element());
    BOOST_TEST(is_sound(routed.wan[0]));
  }
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_packet_and_addresses_are_asked_for_or_named) {
  constexpr uint32_t kMilliseconds = 80'000'000;  // since midnight, at kStart
  auto const stamped = [](const Bytes& options) {
    auto const routed = through(with_options(options));
    BOOST_REQUIRE(routed.wan.size() == 1U);
    BOOST_TEST(is_sound(routed.wan[0]));
    return options_of(routed.wan[0]);
  };
  Bytes const time = stamped({68, 8, 5, 0, 0, 0, 0, 0});
  BOOST_TEST((time[2] == 9 && load_be32(time.data() + 4) == kMilliseconds));
  Bytes const both = stamped({68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0});
  BOOST_TEST((both[2] == 13 && load_be32(both.data() + 4) == 0x0a0000fe && load_be32(both.data() + 8) == kMilliseconds));
  Bytes const named = stamped({68, 12, 5, 3, 192, 0, 2, 254, 0, 0, 0, 0});
  BOOST_TEST((named[2] == 13 && load_be32(named.data() + 8) == kMilliseconds));
  Bytes const of_another = stamped({68, 12, 5, 3, 203, 0, 113, 1, 0, 0, 0, 0});
  BOOST_TEST((of_another[2] == 5 && load_be32(of_another.data() + 8) == 0));
  BOOST_TEST(stamped({68, 8, 9, 0x10, 1, 2, 3, 4})[3] == 0x20);
}

BOOST_AUTO_TEST_CASE(options_that_cannot_be_are_told_to_the_sender_with_the_place) {
  struct Row {
    const char* what;
    Bytes options;
    uint8_t at;
  };
  const std::vector<Row> rows{{"longer than the header", {9, 255, 4, 0}, 20},
                              {"shorter than itself", {9, 1, 0, 0}, 20},
                              {"cut off", {1, 1, 1, 7}, 23},
                              {"record without a pointer", {7, 2, 1, 1}, 21},
                              {"record whose pointer points into itself", {7, 7, 3, 0, 0, 0, 0, 0}, 22},
                              {"half an address left", {7, 7, 5, 0, 0, 0, 0, 0}, 22},
                              {"two records", {7, 7, 8, 1, 1, 1, 1, 7, 7, 8, 1, 1, 1, 1, 0, 0}, 27},
                              {"time stamps too many to count", {68, 8, 9, 0xf0, 1, 2, 3, 4}, 23},
                              {"router alert of three", {148, 3, 0, 0}, 21},
                              {"a second source route", {131, 3, 4, 131, 3, 4, 0, 0}, 23}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.what) {
      auto const routed = through(with_options(row.options));
      BOOST_TEST(routed.dropped("bad_option") == 1U, routed.verdicts);
      if (row.options[0] == 131) continue;  // the kernel answers along the route
      BOOST_REQUIRE(routed.lan.size() == 1U);
      size_t const icmp = 14 + packet::ip_header::length(routed.lan[0][14]);
      BOOST_TEST((routed.lan[0][icmp] == packet::icmp::parameter_problem && routed.lan[0][icmp + 1] == 0));
      BOOST_TEST(routed.lan[0][icmp + 4] == row.at);
    }
}

BOOST_AUTO_TEST_CASE(source_routes_are_dropped_in_silence) {
  for (uint8_t const number : {uint8_t{131}, uint8_t{137}}) {
    auto const routed = through(with_options({number, 7, 4, 10, 0, 0, 1, 0}, 1));
    BOOST_TEST(routed.dropped("source_route") == 1U, routed.verdicts);
    BOOST_TEST((routed.lan.empty() && routed.wan.empty()));
  }
}

BOOST_AUTO_TEST_CASE(an_error_repeats_the_record_with_the_router_in_it) {
  auto const routed = through(with_options({7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1));
  BOOST_TEST(routed.dropped("ttl") == 1U);
  BOOST_REQUIRE(routed.lan.size() == 1U);
  // As it was received, and as the answer leaves.
  BOOST_TEST(options_of(routed.lan[0]) == (Bytes{7, 11, 12, 10, 0, 0, 254, 10, 0, 0, 254, 0}), boost::test_tools::per_element());
  BOOST_TEST(is_sound(routed.lan[0]));
}

BOOST_AUTO_TEST_CASE(groups_are_those_of_every_router_and_those_that_it_was_told) {
  struct Row {
    const char* to;
    bool local;
  };
  constexpr std::array<Row, 14> rows{{{"224.0.0.1", true},
                                      {"224.0.0.2", false},
                                      {"224.0.0.251", true},
                                      {"239.1.2.1", false},
                                      {"ff02::1", true},
                                      {"ff02::2", true},
                                      {"ff05::2", true},
                                      {"ff02::fb", true},
                                      {"ff02::1:2", false},
                                      {"ff02::1:ff00:fe", true},
                                      {"ff02::1:ff00:0", true},
                                      {"ff02::1:ff00:101", true},
                                      {"ff02::1:ff00:1", false},
                                      {"ff01::1", false}}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.to) {
      control::Settings settings = router_settings(64, 8, 64);
      settings.ruleset = {};
      for (const char* told : {"224.0.0.251", "ff02::fb"}) settings.topology.interfaces[0].groups.push_back(*parse_address(told));
      bool const six = std::string_view(row.to).find(':') != std::string_view::npos;
      auto const routed = through(settings, {{0, ethernet(datagram({six ? kOut6.src : kOut.src, address(row.to)}))}});
      BOOST_TEST(routed.local.size() == (row.local ? 1U : 0U));
      BOOST_TEST(routed.dropped("group") == (row.local ? 0U : 1U));
    }
}

BOOST_AUTO_TEST_CASE(nobodys_network_and_a_networks_lowest_address_are_hosts) {
  auto const routed = through(datagram({address("0.1.2.3"), address("192.0.2.0")}));
  BOOST_TEST(routed.wan.size() == 1U, routed.verdicts);
  BOOST_TEST(through(datagram({address("10.0.0.0"), address("192.0.2.1")})).wan.size() == 1U);
  BOOST_TEST(through(datagram({address("10.0.0.7"), address("192.0.2.255")})).local.size() == 1U);
  BOOST_TEST(through(datagram({address("0.0.0.0"), address("192.0.2.1")})).dropped("martian_source") == 1U);
}

BOOST_AUTO_TEST_CASE(hop_by_hop_options_are_looked_at_before_anything_else) {
  enum class Fate { passes, silent, told };
  struct Row {
    const char* what;
    Bytes options;
    Fate fate;
    uint8_t code = 0;
    uint32_t pointer = 0;
  };
  const std::vector<Row> rows{{"padding", {1, 4, 0, 0, 0, 0}, Fate::passes},
                              {"padding that says something", {1, 4, 0, 0, 1, 0}, Fate::silent},
                              {"too much padding", {1, 6, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0}, Fate::silent},
                              {"router alert", {5, 2, 0, 0, 1, 0}, Fate::passes},
                              {"router alert of three", {5, 3, 0, 0, 0, 0}, Fate::silent},
                              {"unknown, to be skipped", {0x1e, 4, 0, 0, 0, 0}, Fate::passes},
                              {"unknown, to be dropped", {0x5e, 4, 0, 0, 0, 0}, Fate::silent},
                              {"unknown, to be told", {0x9e, 4, 0, 0, 0, 0}, Fate::told, 2, 42},
                              {"unknown, to be told to a host", {0xc5, 4, 0, 0, 0, 0}, Fate::told, 2, 42},
                              {"small jumbo", {0xc2, 4, 0, 0, 0, 32}, Fate::told, 0, 44},
                              {"jumbo beside a length", {0xc2, 4, 0, 1, 0, 1}, Fate::told, 0, 42},
                              {"longer than the header", {0x1e, 9, 0, 0, 0, 0}, Fate::silent}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.what) {
      auto const routed = through(with_hop_options(row.options));
      BOOST_TEST(routed.wan.size() == (row.fate == Fate::passes ? 1U : 0U));
      BOOST_TEST(routed.dropped("bad_option") == (row.fate == Fate::passes ? 0U : 1U));
      BOOST_REQUIRE(routed.lan.size() == (row.fate == Fate::told ? 1U : 0U));
      if (row.fate != Fate::told) continue;
      const uint8_t* const icmp = routed.lan[0].data() + 54;
      BOOST_TEST((icmp[0] == packet::icmpv6::parameter_problem && icmp[1] == row.code));
      BOOST_TEST(load_be32(icmp + 4) == row.pointer);
    }
  Ends const group{kOut6.src, address("ff02::1")};
  BOOST_TEST(through(with_hop_options({0x9e, 4, 0, 0, 0, 0}, group)).lan.size() == 1U);
  BOOST_TEST(through(with_hop_options({0xde, 4, 0, 0, 0, 0}, group)).lan.empty());
}

BOOST_AUTO_TEST_CASE(a_length_of_zero_without_a_jumbo_option_is_the_frames) {
  Bytes packet = with_hop_options({1, 4, 0, 0, 0, 0});
  store_be16(packet.data() + 4, 0);
  auto const routed = through(packet, true);
  BOOST_REQUIRE(routed.wan.size() == 1U);
  BOOST_TEST(routed.wan[0].size() == 14 + packet.size());
  BOOST_TEST(routed.says("\"state\":\"new\"") == 1U, routed.verdicts);
}

BOOST_AUTO_TEST_CASE(an_icmp_message_without_a_type_is_not_answered) {
  IpFields const last{.hop_limit = 1};
  for (const Bytes& packet : {ip(kOut, packet::protocol::icmp, {}, last), ip(kOut6, packet::protocol::icmpv6, {}, last)}) {
    auto const routed = through(packet);
    BOOST_TEST(routed.dropped("ttl") == 1U);
    BOOST_TEST(routed.lan.empty());
  }
  BOOST_TEST(through(ip(kOut, packet::protocol::icmp, {8}, last)).lan.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_header_that_is_not_summed_yet_leaves_summed) {
  Bytes packet = datagram(kOut);
  store_be16(packet.data() + 10, 0);
  auto const routed = through(packet, true);
  BOOST_REQUIRE(routed.wan.size() == 1U);
  BOOST_TEST(is_sound(routed.wan[0]));
  store_be16(packet.data() + 10, 1);
  BOOST_TEST(through(packet).dropped("bad_ip_checksum") == 1U);
}

BOOST_AUTO_TEST_CASE(what_offloading_made_of_several_frames_is_forwarded_whole) {
  Bytes const segment = tcp(kOut, {.src_port = 5000, .dst_port = 80, .seq = 1, .flags = tcp_flag::syn, .payload = pattern(3000)});
  Bytes const large = ip(kOut, packet::protocol::tcp, segment), udp_large = datagram(kOut, {.dont_fragment = true}, 3000);
  for (const Bytes& packet : {large, udp_large, datagram(kOut6, {}, 3000)}) {
    auto const routed = through(packet, true);
    BOOST_REQUIRE(routed.wan.size() == 1U);
    BOOST_TEST(routed.wan[0].size() == 14 + packet.size());
    BOOST_TEST(routed.lan.empty());
  }
  Bytes unmeasured = large;
  store_be16(unmeasured.data() + 2, 0);
  auto const routed = through(unmeasured, true);
  BOOST_REQUIRE(routed.wan.size() == 1U);
  BOOST_TEST(load_be16(routed.wan[0].data() + 16) == unmeasured.size());
  BOOST_TEST(is_sound(routed.wan[0]));
  // What came through the way's MTU is too large for the next, or cut.
  BOOST_TEST(through(datagram(kOut, {.dont_fragment = true}, 1400)).dropped("too_big") == 1U);
  BOOST_TEST(through(datagram(kOut, {.dont_fragment = false}, 3000)).wan.size() == 3U);
}
