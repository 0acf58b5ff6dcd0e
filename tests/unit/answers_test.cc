// What the firewall says itself, on its way through output and postrouting; and resets about packets that are not of a flow.
#define BOOST_TEST_MODULE answers
#include "ipc/state/counters.h"
#include "ipc/state/flow_table.h"
#include "ipc/tracking/tcp_state.h"
#include "tests/simulation/router.h"
#include "tests/unit/routed.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

const Ends kOut{address("10.0.0.1"), address("192.0.2.1")}, kOther{address("10.0.0.2"), address("192.0.2.1")};

Bytes datagram(const Ends& ends, uint16_t to = 53) { return ethernet(ip(ends, packet::protocol::udp, udp(ends, 1000, to, pattern(20)))); }
Bytes segment(const Ends& ends, uint16_t from, uint16_t to, uint8_t flags, uint32_t seq, uint32_t ack) {
  return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, {.src_port = from, .dst_port = to, .seq = seq, .ack = ack, .flags = flags})));
}

Routed through_rules(const std::string& rules, const std::vector<Arrival>& arrivals) {
  return through(with_rules(router_settings(16, 4, 64), rules.c_str()), arrivals);
}

std::string firewall(const std::string& output, const std::string& postrouting = "") {
  return "table inet t {\nchain f { type filter hook forward priority 0; policy accept; udp dport 53 reject; tcp dport 22 reject with tcp reset; }\n"
         "chain o { type filter hook output priority 0; policy accept;\n" + output + "\n}\n"
         "chain p { type filter hook postrouting priority 0; policy accept;\n" + postrouting + "\n}\n}\n";
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_answer_that_output_or_postrouting_drops_is_not_sent) {
  std::vector<Arrival> const both{{0, datagram(kOut)}, {0, datagram(kOther)}};
  BOOST_TEST(through_rules(firewall(""), both).lan.size() == 2U);
  for (const char* rule : {"ip daddr 10.0.0.1 drop", "icmp type destination-unreachable ip daddr 10.0.0.1 drop", "oifname \"lan\" ip daddr 10.0.0.1 drop",
                           "ct state related ip daddr 10.0.0.1 drop", "meta l4proto icmp meta length 76 ip daddr 10.0.0.1 drop"}) {
    BOOST_TEST(through_rules(firewall(rule), both).lan.size() == 1U, rule);
    BOOST_TEST(through_rules(firewall("", rule), both).lan.size() == 1U, rule);
  }
  for (const char* rule : {"iifname \"lan\" drop", "ct state new drop", "udp dport 53 drop", "oifname \"wan\" drop"})
    BOOST_TEST(through_rules(firewall(rule), both).lan.size() == 2U, rule);
}

/// nf_reject_verify_csum(): all but those with sums of their own, DCCP too.
BOOST_AUTO_TEST_CASE(a_packet_of_another_protocol_is_refused_if_it_adds_up_to_nothing) {
  constexpr uint8_t kDccp = 33, kUnknown = 99;
  std::string const rules = "table inet t {\nchain f { type filter hook forward priority 0; policy accept; reject; }\n}\n";
  auto const refused = [&](uint8_t number, const Bytes& payload) { return through_rules(rules, {{0, ethernet(ip(kOut, number, payload))}}).lan.size() == 1; };
  for (uint8_t number : {kDccp, kUnknown}) {
    BOOST_TEST((refused(number, {}) && refused(number, Bytes(12)) && refused(number, {0x12, 0x34, 0xed, 0xcb})));
    BOOST_TEST(!refused(number, pattern(12)));
  }
  BOOST_TEST((refused(packet::protocol::esp, pattern(12)) && refused(packet::protocol::udplite, udplite(kOut, 1, 2, 0, pattern(4), packet::protocol::udplite))));
}

BOOST_AUTO_TEST_CASE(a_reset_passes_output_as_its_flows) {
  std::vector<Arrival> const one{{0, segment(kOut, 1000, 22, tcp_flag::syn, 1, 0)}};
  BOOST_TEST(through_rules(firewall(""), one).lan.size() == 1U);
  for (const char* rule : {"tcp flags rst drop", "tcp sport 22 ct state related ct direction reply drop", "meta l4proto tcp drop"})
    BOOST_TEST(through_rules(firewall(rule), one).lan.empty(), rule);
}

BOOST_AUTO_TEST_CASE(what_is_said_to_the_router_itself_comes_in_by_lo) {
  // From the router's own address to nowhere: the error about it goes to the router.
  Ends const own{address("10.0.0.254"), address("203.0.113.9")};
  std::string const rules = "table inet t { chain pre { type filter hook prerouting priority 0; iifname \"lo\" limit rate 1/day burst 1 packets counter\n}\n"
                            "chain in { type filter hook input priority 0; iifname \"lo\" icmp type destination-unreachable counter\n}\n}\n";
  control::Settings const settings = with_rules(router_settings(16, 4, 64), rules.c_str());
  Input input(2);
  Bytes const frame = datagram(own);
  input[0].push_back({kStart, static_cast<uint32_t>(frame.size()), frame});
  Memory memory(settings);
  Chain chain(memory, settings, input, 0);
  chain.start_all();
  BOOST_REQUIRE(chain.finish());
  auto& state = memory.as<state::RulesState>("rules.state");
  uint64_t counted = 0;
  for (uint64_t i = 0; i < state.header.capacity; ++i) counted += state.words()[i].load() == 1 ? 1 : 0;
  BOOST_TEST(counted == 2U);  // packets of both counters
}

BOOST_AUTO_TEST_CASE(a_reset_about_an_invalid_packet_is_a_packet_of_its_flow) {
  std::string const rules = "table inet t { chain f { type filter hook forward priority 0; ct state invalid reject with tcp reset\n}\n}\n";
  control::Settings const settings = with_rules(router_settings(16, 4, 64), rules.c_str());
  Input input(2);
  uint64_t time = kStart;
  auto const add = [&](size_t in, const Bytes& frame) { input[in].push_back({time += kMillisecond, static_cast<uint32_t>(frame.size()), frame}); };
  add(0, segment(kOut, 1000, 80, tcp_flag::syn, 0, 0));
  add(1, segment(kOut.back(), 80, 1000, tcp_flag::syn | tcp_flag::ack, 0, 1));
  add(0, segment(kOut, 1000, 80, tcp_flag::ack, 1, 1));
  add(0, segment(kOut, 1000, 80, tcp_flag::ack, 50'000'000, 1));  // beyond the window: the reset has sequence number 1
  add(1, segment(kOut.back(), 80, 1000, tcp_flag::ack, 1, 1));
  Memory memory(settings);
  Chain chain(memory, settings, input, 0);
  chain.start_all();
  BOOST_REQUIRE(chain.finish());
  auto& state = memory.as<state::ConntrackState>("conntrack.state");
  const state::FlowEntry& entry = state.entries(state.header.capacity)[0];
  BOOST_TEST(entry.protocol_state.load() == static_cast<uint32_t>(tracking::TcpState::close));
  BOOST_TEST(entry.counters[1].packets.load() >= 2U);  // the SYN/ACK and our own reset
}

namespace {

/// One flow out, and then packets the other way that are of none, to its host and to another.
Routed refused(const std::string& rules) {
  constexpr uint8_t kImpossible = tcp_flag::syn | tcp_flag::rst;
  return through_rules(rules, {{0, segment(kOut, 1000, 80, tcp_flag::syn, 0, 0)},
                               {1, segment(kOut.back(), 80, 1000, kImpossible, 0, 0)},
                               {1, segment(kOther.back(), 80, 1000, kImpossible, 0, 0)}});
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_answer_about_an_invalid_packet_is_of_the_flow_that_it_quotes) {
  std::string const rules = "table inet t {\nchain f { type filter hook forward priority 0; ct state new ct mark set 7\nct state invalid reject\n}\n"
                            "chain o { type filter hook output priority 0;\n";
  auto const left = [&](const char* rule) { return refused(rules + rule + "\n}\n}\n").wan.size(); };
  BOOST_TEST(left("accept") == 3U);
  for (const char* rule : {"ct state related drop", "ct mark 7 drop", "ct direction original drop", "ct state invalid drop", "ct status confirmed drop"})
    BOOST_TEST(left(rule) == 2U, rule);
  for (const char* rule : {"ct state new,established,untracked drop", "ct direction reply drop"}) BOOST_TEST(left(rule) == 3U, rule);
}

BOOST_AUTO_TEST_CASE(an_answer_about_an_invalid_packet_is_translated_as_the_flow_that_it_quotes) {
  std::string const rules = "table ip t {\nchain f { type filter hook forward priority 0; ct state invalid reject\n}\n"
                            "chain p { type nat hook postrouting priority srcnat; oifname \"wan\" snat to 192.0.2.77\n}\n}\n";
  Routed const all = refused(rules);
  BOOST_REQUIRE(all.wan.size() == 3U);
  const Bytes& error = all.wan[1];
  auto const own = address("192.0.2.77").bytes;
  constexpr size_t kSource = 14 + 12, kQuotedDestination = 14 + 20 + 8 + 16;
  BOOST_TEST(std::equal(own.begin(), own.begin() + 4, error.begin() + kSource));
  BOOST_TEST(std::equal(own.begin(), own.begin() + 4, error.begin() + kQuotedDestination));
  // Of no flow: it says what came.
  auto const other = kOther.src.bytes;
  BOOST_TEST(std::equal(other.begin(), other.begin() + 4, all.wan[2].begin() + kQuotedDestination));
}

BOOST_AUTO_TEST_CASE(a_packet_of_headers_alone_is_answered_about_in_ipv4_only) {
  std::string const rules = "table inet t { chain f { type filter hook forward priority 0; meta l4proto udplite reject\n}\n}\n";
  Ends const six{address("2001:db8::1"), address("2001:db8:1::1")};
  BOOST_TEST(through_rules(rules, {{0, ethernet(ip(kOut, packet::protocol::udplite, {}))}}).lan.size() == 1U);
  BOOST_TEST(through_rules(rules, {{0, ethernet(ip(six, packet::protocol::udplite, {}))}}).lan.empty());
  BOOST_TEST(through_rules(rules, {{0, ethernet(ip(six, packet::protocol::udplite, pattern(20)))}}).lan.size() == 1U);
}

/// From 10.0.0.1 to 192.0.2.7, which is 192.0.2.1: said from the router's own address, until the translation makes that the one asked.
BOOST_AUTO_TEST_CASE(an_answer_about_a_translated_packet_is_translated_on_its_way) {
  Ends const asked{kOut.src, address("192.0.2.7")};
  auto const said = [&](const std::string& output, const std::string& before, const std::string& behind) {
    std::string const text = "table ip n { chain d { type nat hook prerouting priority dstnat; ip daddr 192.0.2.7 dnat to 192.0.2.1\n}\n}\n"
                             "table ip t {\nchain f { type filter hook forward priority 0; udp dport 53 reject; tcp dport 22 reject with tcp reset; }\n"
                             "chain o { type filter hook output priority 0; " + output + " }\n"
                             "chain b { type filter hook postrouting priority 0; " + before + " }\n"
                             "chain p { type filter hook postrouting priority 150; " + behind + " }\n}\n";
    return through_rules(text, {{0, datagram(asked)}, {0, segment(asked, 1000, 22, tcp_flag::syn, 1, 0)}}).lan.size();
  };
  BOOST_TEST(said("", "", "") == 2U);
  for (const char* own : {"ip saddr 10.0.0.254 drop;", "ip saddr 192.0.2.1 drop;"}) {
    BOOST_TEST(said(own, "", "") == 1U, own);
    BOOST_TEST(said("", own, "") == 1U, own);
    BOOST_TEST(said("", "", own) == 2U, own);
  }
  BOOST_TEST(said("ip saddr 192.0.2.7 drop;", "ip saddr 192.0.2.7 drop;", "") == 2U);
  BOOST_TEST(said("", "", "ip saddr 192.0.2.7 drop;") == 0U);
}
