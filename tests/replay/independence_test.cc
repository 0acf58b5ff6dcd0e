// What comes out depends on what goes in, and on nothing else: not on the size of batches and rings, not on the number
// of cores, not on whether an idle service spins, and not on whether there is a fast lane.
//
// Inputs  hazards: packets that depend on each other, close together; mixed: many ordinary conversations, through a bridge and
//         through a firewall. All with a flow table that is too small for them. That they meet the hazards is checked first.
#define BOOST_TEST_MODULE independence
#include <sched.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "tests/replay/firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr uint64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;
constexpr uint8_t kSyn = 2, kAck = 16;

/// Of this process and those that it starts, until destruction.
class Pinned {
 public:
  explicit Pinned(int cores) {
    BOOST_REQUIRE(::sched_getaffinity(0, sizeof before_, &before_) == 0);
    cpu_set_t some;
    CPU_ZERO(&some);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&some) < cores; ++cpu)
      if (CPU_ISSET(cpu, &before_)) CPU_SET(cpu, &some);
    if (CPU_COUNT(&some) < cores) BOOST_TEST_MESSAGE("fewer than " << cores << " cores here");
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof some, &some) == 0);
  }
  ~Pinned() { ::sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

struct Setting {
  const char* batch;
  const char* ring;
  int cores;
  const char* spin_us;
  const char* fast_lane = "on";
};

struct Input {
  std::string captures;
  std::vector<std::string> flows;  // --flows, how many, and what else
};

/// Outputs of one run.
Outputs outputs(const ReplayLab& lab, const Input& input, const Setting& setting) {
  Pinned const pinned(setting.cores);
  std::vector<std::string> more{"--batch", setting.batch, "--ring", setting.ring, "--spin-us", setting.spin_us, "--fast-lane", setting.fast_lane};
  more.insert(more.end(), input.flows.begin(), input.flows.end());
  auto const ran = lab.run(ReplayLab::replay_two(input.captures, lab.path("out"), more));
  BOOST_TEST(ran.status == 0, ran.text);
  return read_outputs(lab.path("out"));
}

void same_at_every_setting(const ReplayLab& lab, const Input& input) {
  auto const want = outputs(lab, input, {"256", "4096", 2, "50"});
  bool const firewall = want.contains("ruleset.nft");
  if (!firewall) BOOST_REQUIRE_EQUAL(account_two(input.captures, lab.path("out")), "");
  BOOST_TEST(!want.at("conntrack.txt").empty());
  // The table was full: with more room it comes to something else.
  BOOST_TEST((want.at("conntrack.txt") !=
              outputs(lab, {input.captures, {input.flows.begin() + 2, input.flows.end()}}, {"256", "4096", 2, "50"}).at("conntrack.txt")));
  auto const same = [&](const Setting& setting) {
    BOOST_TEST_CONTEXT("batch " << setting.batch << ", ring " << setting.ring << ", cores " << setting.cores
                                << ", spin " << setting.spin_us << ", fast lane " << setting.fast_lane)
    BOOST_TEST(difference(want, outputs(lab, input, setting)) == "");
  };
  for (const char* batch : {"1", "32", "256"})
    for (const char* ring : {"64", "4096"})
      for (int cores : {1, 2}) same({batch, ring, cores, "50"});
  for (int cores : {1, 2}) same({"32", "64", cores, "0"});
  same({"4096", "65536", 2, "50"});
  for (const char* ring : {"64", "4096"}) same({"32", ring, 2, "50", "off"});
}

struct Met {
  size_t adjacent_handshakes = 0, same_twice = 0, replies_at_once = 0, jumps_ahead = 0, jumps_back = 0,
         malformed = 0;
};

struct Seen {
  Packet packet;
  packet::Headers headers;
  uint8_t tcp_flags = 0;
};

/// Both sides in the order in which a replay takes them.
std::vector<Seen> in_order(const std::string& captures) {
  std::array<ReadCapture, 2> sides{read_capture(captures + "/lan.pcap"), read_capture(captures + "/wan.pcap")};
  std::array<size_t, 2> at{};
  std::vector<Seen> all;
  for (;;) {
    std::optional<size_t> first;
    for (size_t side = 0; side < 2; ++side) {
      if (at[side] == sides[side].packets.size()) continue;
      auto const stamp = [&](size_t of) { return sides[of].packets[at[of]].stamp_ns; };
      if (!first || stamp(side) < stamp(*first)) first = side;
    }
    if (!first) return all;
    Packet& packet = sides[*first].packets[at[*first]++];
    std::span const bytes(reinterpret_cast<const uint8_t*>(packet.bytes.data()), packet.bytes.size());
    Seen seen{packet, packet::parse(bytes, packet.wire, packet::LinkType::ethernet)};
    if (seen.headers.shape == packet::Shape::ip && seen.headers.tuple.protocol == packet::protocol::tcp)
      seen.tcp_flags = bytes[seen.headers.l4_offset + 13];
    all.push_back(std::move(seen));
  }
}

/// Hazards between a packet and the next.
Met met_by(const std::string& captures) {
  Met met;
  std::vector<Seen> const all = in_order(captures);
  for (size_t i = 0; i < all.size(); ++i) {
    met.malformed += all[i].headers.shape == packet::Shape::malformed;
    if (i == 0) continue;
    const Seen &before = all[i - 1], &now = all[i];
    met.jumps_ahead += now.packet.stamp_ns > before.packet.stamp_ns + kHour;
    met.jumps_back += now.packet.stamp_ns + kSecond < before.packet.stamp_ns;
    if (now.headers.shape != packet::Shape::ip || before.headers.shape != packet::Shape::ip) continue;
    met.same_twice += now.headers.tuple == before.headers.tuple;
    bool const answers = packet::inverse(before.headers.tuple) == now.headers.tuple;
    met.replies_at_once += answers;
    met.adjacent_handshakes += answers && before.tcp_flags == kSyn && now.tcp_flags == (kSyn | kAck);
  }
  return met;
}

std::string make(const ReplayLab& lab, const char* kind, const char* packets) {
  return lab.make_capture({kind, "--seed", "7", "--packets", kSanitized ? "4000" : packets, "in"});
}

}  // namespace

BOOST_AUTO_TEST_CASE(hazards_come_out_the_same_at_every_setting) {
  ReplayLab lab;
  Input const input{make(lab, "hazards", "30000"), {"--flows", kSanitized ? "64" : "512"}};
  Met const met = met_by(input.captures);
  size_t const many = kSanitized ? 5 : 50;
  BOOST_TEST(met.adjacent_handshakes > many);
  BOOST_TEST(met.same_twice > many);
  BOOST_TEST(met.replies_at_once > many);
  BOOST_TEST(met.malformed > many);
  BOOST_TEST(met.jumps_ahead > 0);
  BOOST_TEST(met.jumps_back > 0);
  same_at_every_setting(lab, input);
  auto drops = reasons(lab.path("out/verdicts.jsonl"));
  for (const char* other : {"", "table_full"}) drops.erase(other);
  BOOST_TEST(!drops.empty(), "nothing malformed was dropped");
}

BOOST_AUTO_TEST_CASE(ordinary_traffic_comes_out_the_same_at_every_setting) {
  ReplayLab lab;
  same_at_every_setting(lab, {make(lab, "mixed", "30000"), {"--flows", "256"}});
}

BOOST_AUTO_TEST_CASE(what_a_firewall_lets_through_is_the_same_at_every_setting) {
  ReplayLab lab;
  Input input{make(lab, "mixed", "30000"), {"--flows", "256"}};
  for (const auto& word : firewall_options(lab)) input.flows.push_back(word);
  same_at_every_setting(lab, input);
  auto const drops = reasons(lab.path("out/verdicts.jsonl"));
  BOOST_TEST(drops.contains("nat_clash"));
  std::string const listing = read_file(lab.path("out/ruleset.nft"));
  BOOST_TEST(listing.find("counter packets 0") == std::string::npos, listing);  // each rule was met
}

BOOST_AUTO_TEST_CASE(a_firewall_whose_flows_have_lanes_is_the_same_at_every_setting) {
  ReplayLab lab;
  Input input{make(lab, "mixed", "30000"), {"--flows", "256"}};
  for (const auto& word : firewall_options(lab, kLaneFirewallRules)) input.flows.push_back(word);
  same_at_every_setting(lab, input);
  // Few in the chain at a time, and room in the table: most go by the lane.
  std::vector<std::string> roomy = firewall_options(lab, kLaneFirewallRules);
  std::vector<std::string> with{"--ring", "16", "--batch", "4"}, without = with;
  with.insert(with.end(), roomy.begin(), roomy.end());
  without.insert(without.end(), {"--fast-lane", "off"});
  without.insert(without.end(), roomy.begin(), roomy.end());
  auto const plain = lab.run(ReplayLab::replay_two(input.captures, lab.path("off"), without));
  auto const laned = lab.run(ReplayLab::replay_two(input.captures, lab.path("on"), with));
  BOOST_TEST(plain.status == 0, plain.text);
  BOOST_TEST(laned.status == 0, laned.text);
  BOOST_TEST(laned.text.find("fast lane ") != std::string::npos, laned.text);
  BOOST_TEST(plain.text.find("fast lane ") == std::string::npos, plain.text);
  BOOST_TEST(difference(read_outputs(lab.path("off")), read_outputs(lab.path("on"))) == "");
}
