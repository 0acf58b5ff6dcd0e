// Options, extension headers, numbers that are made, what `meta` knows of a replay.
#include "common/base/topology.h"
#include "common/ruleset/run/make_numbers.h"
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

/// An IPv4 header with these options before a datagram's UDP header.
Bytes with_ip_options(Bytes options) {
  while (options.size() % 4 != 0) options.push_back(0);
  Bytes frame = datagram(1, 2);
  frame[14] = static_cast<uint8_t>(0x45 + options.size() / 4);
  frame.insert(frame.begin() + 34, options.begin(), options.end());
  store_be16(frame.data() + 16, static_cast<uint16_t>(frame.size() - 14));
  return frame;
}

Bytes with_tcp_options(Bytes options) {
  Segment syn;
  syn.src_port = 40000;
  syn.dst_port = 80;
  syn.flags = tcp_flag::syn;
  syn.options = std::move(options);
  return ethernet(ip(kOut, packet::protocol::tcp, tcp(kOut, syn)));
}

/// IPv6 with one extension header, `number`, whose bytes say what follows, before a datagram's UDP header.
Bytes with_header(uint8_t number, const Bytes& header) {
  Bytes frame = datagram(1, 2, kOut6);
  frame[14 + 6] = number;
  frame.insert(frame.begin() + 54, header.begin(), header.end());
  store_be16(frame.data() + 18, static_cast<uint16_t>(frame.size() - 54));
  return frame;
}

/// SCTP's header, and chunks.
Bytes with_chunks(const std::vector<Bytes>& chunks) {
  Bytes sctp{0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0};
  for (const Bytes& chunk : chunks) sctp.insert(sctp.end(), chunk.begin(), chunk.end());
  return ethernet(ip(kOut, packet::protocol::sctp, sctp));
}

}  // namespace

BOOST_AUTO_TEST_CASE(options_and_extension_headers_are_found) {
  const Bytes usual{2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
  const Bytes alert{148, 4, 0, 0}, route{7, 7, 4, 1, 2, 3, 4}, broken{7, 60, 4, 0}, fragment{17, 0, 0, 1, 0, 0, 0, 9};
  struct Row {
    const char* rule;
    Bytes yes, no;
  };
  const std::vector<Row> rows{
      {"tcp option maxseg exists accept", with_tcp_options(usual), with_tcp_options({})},
      {"tcp option maxseg missing accept", with_tcp_options({}), with_tcp_options(usual)},
      {"tcp option maxseg missing accept", datagram(1, 2), {}},
      {"tcp option maxseg size 1460 accept", with_tcp_options(usual), with_tcp_options({2, 4, 5, 0xb3})},
      {"tcp option maxseg size 1460 accept", {}, with_tcp_options({2, 3, 5, 0xb4})},
      {"tcp option window count 7 accept", with_tcp_options(usual), with_tcp_options({})},
      {"tcp option sack-perm exists accept", with_tcp_options(usual), with_tcp_options({2, 4, 5, 0xb4})},
      {"tcp option timestamp tsecr 2 accept", with_tcp_options(usual), with_tcp_options({8, 10, 0, 0, 0, 1, 0, 0, 0, 3, 1, 1})},
      {"tcp option sack0 left 5 accept", with_tcp_options({5, 10, 0, 0, 0, 5, 0, 0, 0, 9, 1, 1}), with_tcp_options(usual)},
      {"tcp option mptcp subtype 2 accept", with_tcp_options({30, 4, 0x20, 0}), with_tcp_options({30, 4, 0x10, 0})},
      {"ip option ra exists accept", with_ip_options(alert), datagram(1, 2)},
      {"ip option rr missing accept", with_ip_options(alert), with_ip_options(route)},
      {"ip option rr missing accept", {}, datagram(1, 2, kOut6)},
      {"ip option rr ptr 4 accept", with_ip_options(route), with_ip_options(alert)},
      {"ip option rr exists accept", {}, with_ip_options(broken)},
      {"exthdr frag exists accept", with_header(44, fragment), datagram(1, 2, kOut6)},
      {"exthdr frag missing accept", datagram(1, 2, kOut6), datagram(1, 2)},
      {"frag id 9 frag more-fragments 1 accept", with_header(44, fragment), with_header(44, {17, 0, 0, 1, 0, 0, 0, 8})},
      {"hbh nexthdr 17 accept", with_header(0, {17, 0, 1, 4, 0, 0, 0, 0}), datagram(1, 2, kOut6)},
      {"rt type 2 accept", with_header(43, {17, 0, 2, 0, 0, 0, 0, 0}), with_header(43, {17, 0, 3, 0, 0, 0, 0, 0})},
      {"dst hdrlength 0 accept", with_header(60, {17, 0, 1, 4, 0, 0, 0, 0}), with_header(0, {17, 0, 1, 4, 0, 0, 0, 0})},
  };
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.rule) {
      Firewall firewall(in_chain(row.rule));
      if (!row.yes.empty()) BOOST_TEST(firewall(row.yes) == "accept");
      if (!row.no.empty()) BOOST_TEST(firewall(row.no) == "policy");
    }
}

BOOST_AUTO_TEST_CASE(options_by_number_chunks_and_segments_are_found) {
  const Bytes usual{2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2}, unnamed{253, 4, 1, 2};
  const Bytes init{1, 0, 0, 20, 0, 0, 0, 9, 0, 0, 5, 220, 0, 1, 0, 2, 0, 0, 0, 7};
  const Bytes data{0, 3, 0, 17, 0, 0, 0, 1, 0, 5, 0, 6, 0, 0, 0, 8, 65, 0, 0, 0};  // three bytes of padding
  const Bytes cut{0, 3, 0, 40, 0, 0, 0, 1}, endless{99, 0, 0, 0};
  const Bytes segments{17, 2, 4, 1, 1, 5, 0, 9, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
  struct Row {
    const char* rule;
    Bytes yes, no;
  };
  const std::vector<Row> rows{
      {"tcp option 253 exists accept", with_tcp_options(unnamed), with_tcp_options(usual)},
      {"tcp option 253 missing accept", with_tcp_options(usual), with_tcp_options(unnamed)},
      {"tcp option @253,16,16 258 accept", with_tcp_options(unnamed), with_tcp_options({253, 4, 1, 3})},
      {"tcp option @253,12,8 64 accept", with_tcp_options(unnamed), with_tcp_options({253, 4, 0x11, 2})},
      {"tcp option @253,16,32 != 0 accept", {}, with_tcp_options(unnamed)},
      {"tcp option @2,16,16 1460 accept", with_tcp_options(usual), with_tcp_options(unnamed)},
      {"tcp option @mptcp,16,4 2 accept", with_tcp_options({30, 4, 0x20, 0}), with_tcp_options({30, 4, 0x10, 0})},
      {"udp dport 2 tcp option maxseg missing accept", datagram(1, 2), with_tcp_options({})},
      {"sctp chunk data exists accept", with_chunks({init, data}), with_chunks({init})},
      {"sctp chunk init exists accept", with_chunks({data, init}), with_chunks({endless, init})},
      {"sctp chunk data missing accept", with_chunks({init}), with_chunks({init, data})},
      {"sctp chunk data missing accept", datagram(1, 2), with_chunks({cut})},
      {"sctp chunk init a-rwnd 1500 accept", with_chunks({init}), with_chunks({data})},
      {"sctp chunk data stream 5 sctp chunk data ssn 6 accept", with_chunks({init, data}), with_tcp_options({})},
      {"sctp chunk data length 17 sctp chunk init num-inbound-streams 2 accept", with_chunks({data, init}), with_chunks({data, data})},
      {"sctp chunk data tsn 1 accept", with_chunks({data}), with_chunks({cut})},
      {"sctp chunk cookie-ack flags 0 accept", with_chunks({{11, 0, 0, 4}}), with_chunks({{11, 0, 0, 0}})},
      {"ipsec in reqid 0-4294967295 accept", {}, datagram(1, 2)},
      {"ipsec out spnum 1 ip saddr != 192.0.2.9 accept", {}, datagram(1, 2)},
      {"srh tag 9 srh flags 5 srh last-entry 1 accept", with_header(43, segments), with_header(60, segments)},
      {"srh sid[1] 2001:db8::7 accept", with_header(43, segments), datagram(1, 2, kOut6)},
      {"rt0 addr[1] 2001:db8::7 accept", with_header(43, segments), datagram(1, 2)},
  };
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.rule) {
      Firewall firewall(in_chain(row.rule));
      if (!row.yes.empty()) BOOST_TEST(firewall(row.yes) == "accept");
      if (!row.no.empty()) BOOST_TEST(firewall(row.no) == "policy");
    }
}

BOOST_AUTO_TEST_CASE(every_length_of_hostile_options_is_survived) {
  uint64_t random = 7;
  Firewall firewall(in_chain("tcp option sack3 right 1 accept\n ip option rr addr 16909060 accept\n ip option lsrr exists accept\n"
                          " frag id 1 accept\n mh type 1 accept\n dst nexthdr 6 accept\n sctp chunk asconf seqno 1 accept\n"
                          " tcp option @7,3,77 1 accept\n srh sid[2] ::1 accept", "", "accept"));
  for (int i = 0; i < 20000; ++i) {
    auto const byte = [&] { return static_cast<uint8_t>((random = random * 6364136223846793005U + 1) >> 56); };
    Bytes options(4U * (byte() % 10));
    for (uint8_t& one : options) one = static_cast<uint8_t>(byte() % 4 == 0 ? byte() : byte() % 12);
    Bytes header(8U * (1 + byte() % 4));
    for (uint8_t& one : header) one = byte() % 3 == 0 ? byte() : uint8_t{44};
    constexpr std::array<uint8_t, 5> kHeaders{0, 43, 44, 51, 60};
    for (const Bytes& frame : {with_tcp_options(options), with_ip_options(options), with_chunks({options}), with_header(kHeaders[byte() % 5], header)})
      BOOST_REQUIRE(firewall(frame) == "accept");
  }
}

BOOST_AUTO_TEST_CASE(numbers_of_numgen_go_round) {
  Firewall firewall(in_chain("meta mark set numgen inc mod 3 offset 10\n numgen inc mod 4 vmap { 0 : accept, 1 : drop, 2 : accept }"));
  for (int i = 0; i < 12; ++i) {
    std::string const want = i % 4 == 3 ? "policy" : i % 4 == 1 ? "drop" : "accept";
    BOOST_TEST(firewall(datagram(1, 2)) == want);
    BOOST_TEST(firewall.packet.mark == 10u + static_cast<unsigned>(i) % 3);
  }
}

BOOST_AUTO_TEST_CASE(numbers_by_chance_are_the_packets_own) {
  std::string const text = in_chain("meta mark set numgen random mod 1000 offset 5\n numgen random mod 2 0 accept");
  Firewall first(text), second(text);
  std::map<uint32_t, int> seen;
  int accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string const said = first(datagram(1, 2));
    BOOST_TEST(second(datagram(1, 2)) == said);
    BOOST_TEST(second.packet.mark == first.packet.mark);
    ++seen[first.packet.mark];
    accepted += said == "accept" ? 1 : 0;
  }
  BOOST_TEST(seen.begin()->first >= 5u);
  BOOST_TEST(seen.rbegin()->first < 1005u);
  BOOST_TEST(seen.size() > 800u);
  BOOST_TEST(accepted > 900);
  BOOST_TEST(accepted < 1100);
}

BOOST_AUTO_TEST_CASE(symmetric_hash_is_the_same_both_ways) {
  Firewall firewall(in_chain("meta mark set symhash mod 65536 offset 1"));
  std::map<uint32_t, int> seen;
  for (uint16_t port = 1; port < 200; ++port) {
    firewall(datagram(port, 53));
    uint32_t const there = firewall.packet.mark;
    firewall(datagram(53, port, kOut.back()));
    BOOST_TEST(firewall.packet.mark == there);
    ++seen[there];
  }
  BOOST_TEST(seen.size() > 150u);
}

BOOST_AUTO_TEST_CASE(jenkins_hash_is_lookup3s) {
  // Bob Jenkins' own: hashlittle("", 0), and of the sentence with 0 and 1.
  std::string const said = "Four score and seven years ago";
  auto const bytes = std::span(reinterpret_cast<const uint8_t*>(said.data()), said.size());
  BOOST_TEST(ruleset::run::jhash({}, 0) == 0xdeadbeefU);
  BOOST_TEST(ruleset::run::jhash(bytes, 0) == 0x17770551U);
  BOOST_TEST(ruleset::run::jhash(bytes, 1) == 0xcd628161U);
}

BOOST_AUTO_TEST_CASE(routes_are_looked_into) {
  auto const prefix = [](const char* text) { return parse_prefix(text).value(); };
  Topology topology;
  topology.interfaces = {{"lan", {2, 0, 0, 0, 1, 1}, 1500, {prefix("10.0.0.254/24"), prefix("2001:db8::fe/64")}},
                         {"wan", {2, 0, 0, 0, 1, 2}, 1500, {prefix("192.0.2.254/24")}}};
  Routes const routes(topology);
  const std::vector<std::string> names{"lan", "wan"};
  struct Row {
    const char* rule;
    Ends yes, no;
  };
  Ends const spoofed{address("192.0.2.5"), kOut.dst}, to_router{kOut.src, address("192.0.2.254")},
      to_all{kOut.src, address("10.0.0.255")}, nowhere{kOut.src, address("8.8.8.8")}, lost6{kOut6.src, address("2001:db8:9::1")};
  const std::vector<Row> rows{{"fib saddr . iif oif exists accept", kOut, spoofed},
                              {"fib saddr . iif oif missing accept", spoofed, kOut},
                              {"fib saddr . iif oif exists accept", kOut6, kOut6.back()},
                              {"fib daddr oif exists accept", kOut, nowhere},
                              {"fib daddr oif wan accept", kOut, to_all},
                              {"fib daddr oifname \"wan\" accept", kOut, to_router},
                              {"fib daddr type local accept", to_router, kOut},
                              {"fib daddr . iif type local accept", {kOut.src, address("10.0.0.254")}, to_router},
                              {"fib daddr type broadcast accept", to_all, kOut},
                              {"fib daddr type multicast accept", {kOut.src, address("224.0.0.9")}, kOut},
                              {"fib daddr type unicast accept", nowhere, to_router},
                              {"fib daddr type unreachable accept", lost6, nowhere}};
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.rule) {
      Firewall firewall(in_chain(row.rule));
      firewall.packet.routes = &routes;
      firewall.packet.interfaces = names;
      BOOST_TEST(firewall(datagram(1, 2, row.yes)) == "accept");
      BOOST_TEST(firewall(datagram(1, 2, row.no)) == "policy");
    }
}

BOOST_AUTO_TEST_CASE(meta_knows_the_packets_time_and_that_nobody_owns_it) {
  Firewall firewall(in_chain("meta hour 80000 meta day 2 meta time 1700000000 accept"));  // Tuesday, 22:13:20
  firewall.now_ns = 1'700'000'000'000'000'000;
  BOOST_TEST(firewall(datagram(1, 2)) == "accept");
  firewall.now_ns += 1'000'000'000;
  BOOST_TEST(firewall(datagram(1, 2)) == "policy");
  for (const char* rule : {"meta skuid 0 accept", "meta skuid != 0 accept", "meta cgroup != 1 accept", "meta cpu != 0 accept",
                           "meta priority 1:2 accept", "meta iifkind != \"x\" accept"}) {
    Firewall other(in_chain(rule));
    BOOST_TEST_CONTEXT(rule) BOOST_TEST(other(datagram(1, 2)) == "policy");
  }
  Firewall known(in_chain("meta cpu 0 meta iifgroup default meta priority set 1:2\n meta priority 1:2 meta random < 0xffffffff accept"));
  BOOST_TEST(known(datagram(1, 2)) == "accept");
}

namespace {

/// In a time zone, until it goes.
class InZone {
 public:
  explicit InZone(const char* name) {
    if (const char* const before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~InZone() {
    if (before_) ::setenv("TZ", before_->c_str(), 1);
    else ::unsetenv("TZ");
    ::tzset();
  }
  InZone(const InZone&) = delete;
  InZone& operator=(const InZone&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace

// Asked of nft 1.0.6 (--debug=netlink): a range that ends before it begins, in UTC, is what the other way round is not, both ends excluded.
BOOST_AUTO_TEST_CASE(hours_go_over_midnight) {
  constexpr uint64_t kHour = 3'600'000'000'000, kMidnight = 1'699'920'000'000'000'000;  // of UTC
  struct Row {
    const char *zone, *rule;
    uint64_t yes_ns, no_ns;  // since midnight of UTC
  };
  const std::vector<Row> rows{
      {"UTC0", "meta hour \"22:00\"-\"06:30\" accept", 23 * kHour, 12 * kHour},
      {"UTC0", "meta hour \"22:00\"-\"06:30\" accept", 6 * kHour, 22 * kHour},  // 22:00:00 itself is not in it
      {"UTC0", "meta hour \"22:00\"-\"06:30\" accept", 0, 6 * kHour + kHour / 2},
      {"UTC0", "meta hour != \"22:00\"-\"06:00\" accept", 12 * kHour, 23 * kHour},
      {"UTC0", "meta hour 79200-21600 accept", kHour, 7 * kHour},
      {"UTC0", "meta hour \"20:00\"-\"21:30\" accept", 20 * kHour, 22 * kHour},
      {"EST5", "meta hour \"22:00\"-\"06:30\" accept", 3 * kHour, 12 * kHour},   // 03:00 to 11:30 of UTC
      {"EST5", "meta hour \"18:00\"-\"20:00\" accept", kHour / 2, 12 * kHour},   // 23:00 to 01:00 of UTC
      {"CET-1", "meta hour \"00:30\"-\"03:00\" accept", kHour, 12 * kHour},       // 23:30 to 02:00 of UTC
      {"CET-1", "meta hour \"20:00\"-\"21:30\" accept", 19 * kHour, 21 * kHour},
  };
  for (const Row& row : rows)
    BOOST_TEST_CONTEXT(row.zone << " " << row.rule) {
      InZone const zone(row.zone);
      Firewall firewall(in_chain(row.rule));
      // What services read is the listing.
      Firewall again(ruleset::list_ruleset(firewall.loaded->ruleset, {}));
      for (Firewall* const one : {&firewall, &again}) {
        one->now_ns = kMidnight + row.yes_ns;
        BOOST_TEST((*one)(datagram(1, 2)) == "accept");
        one->now_ns = kMidnight + row.no_ns;
        BOOST_TEST((*one)(datagram(1, 2)) == "policy");
      }
    }
  for (const char* rule : {"meta hour { \"22:00\"-\"06:00\" } accept", "meta hour != { \"22:00\"-\"06:00\", \"12:00\" } accept"}) {
    InZone const zone("UTC0");
    auto const refused = ruleset::read_ruleset("test", in_chain(rule));
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find("Range has zero or negative size") != std::string::npos);
  }
}
