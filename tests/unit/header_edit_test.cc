// Packets through the whole chain with rules that set header fields: what leaves, and what is said about them.
#define BOOST_TEST_MODULE header_edit
#include <boost/test/unit_test.hpp>

#include "common/packet/checksum.h"
#include "common/packet/packet.h"
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr size_t kLan = 0, kWan = 1, kEthernet = 14;
const Address kClient = address("10.0.0.1"), kServer = address("192.0.2.1"), kRouter = address("192.0.2.254");
const Ends kThere{kClient, kServer};

std::string in_chain(const std::string& hook, const std::string& rules, const std::string& type = "filter") {
  return "chain " + hook + type + " { type " + type + " hook " + hook + " priority 0; " + rules + " }\n";
}
const std::string kMasquerade = "chain post { type nat hook postrouting priority 100; oifname \"wan\" masquerade; }\n";

control::Settings with(const std::string& chains) {
  return with_rules(router_settings(64, 8, 64), ("table inet t {\n" + chains + "}\n").c_str());
}
Bytes datagram(const Ends& ends, const IpFields& fields = {}, uint16_t from = 5000) {
  return ip(ends, packet::protocol::udp, udp(ends, from, 53, pattern(20)), fields);
}
Arrival arrives(size_t in, const Bytes& packet) { return {in, ethernet(packet)}; }

/// A frame's packet, whose checksums must be right.
Bytes packet_of(const Bytes& frame) {
  packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  BOOST_TEST((packet::verify_checksum(frame, headers) != packet::Checksum::bad));
  if (headers.tuple.l3 == 4) BOOST_TEST(packet::ipv4_header_good(frame, headers));
  return {frame.begin() + kEthernet, frame.end()};
}

/// What leaves by wan of one packet that came by lan.
Bytes sent(const std::string& chains, const Bytes& packet) {
  auto const routed = through(with(chains), {arrives(kLan, packet)});
  BOOST_REQUIRE(routed.wan.size() == 1U);
  return packet_of(routed.wan[0]);
}

Bytes syn(const Ends& ends, uint16_t mss, const IpFields& fields = {}) {
  return ip(ends, packet::protocol::tcp, tcp(ends, {.src_port = 5000, .dst_port = 80, .seq = 7, .flags = tcp_flag::syn, .options = syn_options(mss)}), fields);
}

std::string refusal(const std::string& rule) {
  std::string const text = "table inet t { chain fw { type filter hook forward priority 0; " + rule + "; }\n}";
  auto const settings = router_settings(64, 8, 64);
  auto const loaded = ruleset::load("test", text, ruleset::world_of(settings.interface_names(), settings.topology, settings.seed));
  return loaded ? "" : loaded.error().message;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_ttl_counts_from_the_hook_where_it_is_set) {
  BOOST_TEST(sent(in_chain("prerouting", "ip ttl set 10;"), datagram(kThere)) == datagram(kThere, {.hop_limit = 9}), boost::test_tools::per_element());
  BOOST_TEST(sent(in_chain("forward", "ip ttl set 10;"), datagram(kThere)) == datagram(kThere, {.hop_limit = 10}), boost::test_tools::per_element());
  BOOST_TEST(sent(in_chain("postrouting", "ip ttl set 65;"), datagram(kThere)) == datagram(kThere, {.hop_limit = 65}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(fields_of_ipv6_are_set_too) {
  Ends const there{address("2001:db8::1"), address("2001:db8:1::1")};
  Bytes want = datagram(there, {.hop_limit = 40});
  want[0] = 0x6b;  // ef: 46, over the version and the label
  want[1] = 0x80;
  BOOST_TEST(sent(in_chain("forward", "ip6 hoplimit set 40 ip6 dscp set ef;"), datagram(there)) == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_address_that_prerouting_sets_is_where_the_packet_goes) {
  Ends const set{kClient, address("192.0.2.9")};
  auto const rules = in_chain("prerouting", "udp dport 53 ip daddr set 192.0.2.9;");
  BOOST_TEST(sent(rules, datagram({kClient, address("10.0.0.77")})) == datagram(set, {.hop_limit = 63}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ports_and_payload_are_set_with_their_checksums) {
  Bytes const left = sent(in_chain("forward", "udp dport set 5353 udp sport set udp dport map { 5353 : 99, 53 : 98 };"), datagram(kThere));
  BOOST_TEST(load_be16(left.data() + 20) == 99U);
  BOOST_TEST(load_be16(left.data() + 22) == 5353U);
}

BOOST_AUTO_TEST_CASE(later_rules_see_what_earlier_ones_set) {
  auto const rules = in_chain("forward", "ip dscp set cs1; ip dscp cs1 ip ttl set 20; ip ttl 20 drop;");
  auto const routed = through(with(rules), {arrives(kLan, datagram(kThere))});
  BOOST_TEST((routed.wan.empty() && routed.dropped("rule") + routed.says("\"verdict\":\"drop\"") > 0));
  // In a long chain too, which is not tried rule by rule otherwise.
  std::string many;
  for (int i = 0; i < 40; ++i) many += "ip ttl " + std::to_string(100 + i) + " drop;\n";
  BOOST_TEST(through(with(in_chain("forward", "ip ttl set 120;\n" + many)), {arrives(kLan, datagram(kThere))}).wan.empty());
}

BOOST_AUTO_TEST_CASE(segment_sizes_are_clamped_to_the_route_and_never_grow) {
  auto const clamp = in_chain("forward", "tcp flags syn tcp option maxseg size set rt mtu;");
  BOOST_TEST(sent(clamp, syn(kThere, 1460)) == syn(kThere, 1260, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(sent(clamp, syn(kThere, 1000)) == syn(kThere, 1000, {.hop_limit = 63}), boost::test_tools::per_element());
  BOOST_TEST(sent(in_chain("forward", "tcp option maxseg size set 700;"), datagram(kThere)) == datagram(kThere, {.hop_limit = 63}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_packet_is_set_and_translated) {
  auto const rules = in_chain("forward", "ip dscp set cs1;") + kMasquerade;
  auto const routed = through(with(rules), {arrives(kLan, datagram(kThere)), arrives(kLan, datagram({kClient.plus(1), kServer})),
                                            arrives(kWan, ip({kServer, kRouter}, packet::protocol::udp, udp({kServer, kRouter}, 53, 5000, {})))});
  BOOST_REQUIRE((routed.wan.size() == 2 && routed.lan.size() == 1));
  Bytes want = datagram({kRouter, kServer}, {.hop_limit = 63});
  Bytes const first = packet_of(routed.wan[0]), second = packet_of(routed.wan[1]);
  BOOST_TEST((first[1] == 0x20 && second[1] == 0x20));
  BOOST_TEST(Bytes(first.begin() + 12, first.end()) == Bytes(want.begin() + 12, want.end()), boost::test_tools::per_element());
  BOOST_TEST((second[12] == 192 && load_be16(second.data() + 20) != 5000));  // nat had to choose another port
  BOOST_TEST(packet_of(routed.lan[0])[1] == 0x20);
}

BOOST_AUTO_TEST_CASE(what_is_said_about_a_packet_quotes_it_as_it_is_by_then) {
  auto const spent = through(with(in_chain("prerouting", "ip ttl set 1;")), {arrives(kLan, datagram(kThere))});
  BOOST_REQUIRE(spent.lan.size() == 1U);
  BOOST_TEST(packet_of(spent.lan[0])[28 + 8] == 1);
  auto const rules = "chain pre { type nat hook prerouting priority -100; udp dport 53 dnat ip to 192.0.2.7; }\n" +
                     in_chain("forward", "ip ttl set 7 reject;");
  auto const refused = through(with(rules), {arrives(kLan, datagram(kThere))});
  BOOST_REQUIRE(refused.lan.size() == 1U);
  Bytes const said = packet_of(refused.lan[0]);
  BOOST_TEST(Bytes(said.begin() + 28, said.end()) == datagram(kThere, {.hop_limit = 7}), boost::test_tools::per_element());
}

/// IPv6 destination options of so many bytes, a multiple of 8: as many headers as that takes.
Bytes destination_options(size_t bytes) {
  constexpr size_t kMost = 2048;
  Bytes all(bytes);
  for (size_t at = 0; at < bytes; at += kMost) {
    size_t const length = std::min(bytes - at, kMost);
    all[at] = at + length < bytes ? packet::protocol::destination : packet::protocol::tcp;
    all[at + 1] = static_cast<uint8_t>(length / 8 - 1);
  }
  return all;
}

/// Or a sender would get past any rule on ports by a longer header.
BOOST_AUTO_TEST_CASE(fields_are_read_and_set_behind_however_many_extension_headers) {
  constexpr size_t kIpv6 = 40;
  Ends const there{address("2001:db8::1"), address("2001:db8:1::1")};
  auto const by_wide_links = [](const std::string& chains, const Bytes& packet) {
    control::Settings settings = with(chains);
    for (auto& interface : settings.topology.interfaces) interface.mtu = 65535;
    return through(settings, {arrives(kLan, packet)});
  };
  for (size_t const extensions : {8U, 208U, 216U, 240U, 480U, 1200U, 2000U, 2048U, 8960U}) {
    auto const segment = [&](uint16_t to) {
      return ip(there, packet::protocol::tcp, tcp(there, {.src_port = 5000, .dst_port = to, .seq = 7, .flags = tcp_flag::syn}),
                {.extensions = destination_options(extensions), .first_extension = packet::protocol::destination});
    };
    auto const sent_of = [&](const std::string& chains) {
      auto const routed = by_wide_links(chains, segment(22));
      BOOST_REQUIRE(routed.wan.size() + routed.lan.size() == 1U);
      return packet_of(routed.wan.empty() ? routed.lan[0] : routed.wan[0]);
    };
    BOOST_TEST_CONTEXT("headers of " << extensions) {
      BOOST_TEST(by_wide_links(in_chain("forward", "tcp dport 22 drop;"), segment(22)).wan.empty());
      BOOST_TEST(by_wide_links(in_chain("forward", "tcp dport 22 drop;"), segment(23)).wan.size() == 1U);
      Bytes const changed = sent_of(in_chain("forward", "tcp dport set 2222 tcp dport 2222 accept; drop;"));
      BOOST_TEST(load_be16(changed.data() + kIpv6 + extensions + 2) == 2222);
      Bytes const translated = sent_of("chain post { type nat hook postrouting priority 100; snat ip6 to 2001:db8:9::9; }\n"
                                       "chain behind { type filter hook postrouting priority 200; ip6 saddr != 2001:db8:9::9 drop; tcp dport != 22 drop; }\n");
      BOOST_TEST(translated[kIpv6 - 17] == 9);
      Bytes const reset = sent_of(in_chain("forward", "tcp dport set 2222 reject with tcp reset;") + in_chain("output", "tcp sport 2222 tcp dport 5000 accept; drop;"));
      BOOST_TEST(load_be16(reset.data() + kIpv6) == 2222);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_set_is_refused_by_name) {
  BOOST_TEST(refusal("ip ttl set 5").empty());
  BOOST_TEST(refusal("ip version set 6").find("ip version set: not supported yet") != std::string::npos);
  BOOST_TEST(refusal("ether saddr set 02:00:00:00:00:01").find("ether saddr set: not supported yet") != std::string::npos);
  BOOST_TEST(refusal("tcp option window count set 3").find("tcp option window count: cannot be set") != std::string::npos);
  BOOST_TEST(refusal("@nh,0,8 set 0x46").find("@ nh set: not supported yet") != std::string::npos);
  BOOST_TEST(refusal("@ll,0,48 set 1").find("@ ll set: not supported yet") != std::string::npos);
}
