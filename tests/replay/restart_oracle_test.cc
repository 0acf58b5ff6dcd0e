// The restart oracle: whatever is killed or stopped while a capture is replayed, nothing of it shows in the output.
//
// Seeds   BULKHEAD_ORACLE_FIRST (1) and BULKHEAD_ORACLE_SEEDS (3): a seed chooses capture, plan and size of the flow
//         table. One that fails runs again alone by FIRST=n SEEDS=1; the moments are those of the machine, though.
// Twin    the same capture replayed undisturbed, at full speed, without the fast lane, by the same programs.
#define BOOST_TEST_MODULE restart_oracle
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>

#include "tests/replay/firewall.h"
#include "tests/replay/torment.h"

using namespace bulkhead::test;

namespace {

constexpr uint64_t kPackets = kSanitized ? 15'000 : 120'000;
const std::string kPace = kSanitized ? "1200" : "15000";  // slow enough for all the kills on a busy machine
const std::string kHangMs = kSanitized ? "1000" : "250";
constexpr unsigned kKillsWanted = 20;

unsigned number_of(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

/// A capture and what comes out of it undisturbed.
struct Oracle {
  explicit Oracle(unsigned seed)
      : captures(lab.make_capture(
            {"mixed", "--seed", std::to_string(seed), "--packets", std::to_string(kPackets), "in"})),
        flows{"--flows", seed % 2 == 0 ? "262144" : kSanitized ? "512" : "4096"},  // every other one: too few
        firewall(seed % 3 != 2) {  // a router with rules, where most flows have lanes or none has; a bridge
    if (firewall)
      for (const auto& word : firewall_options(lab, seed % 3 == 1 ? kLaneFirewallRules : kFirewallRules)) flows.push_back(word);
    std::vector<std::string> plain = flows;  // whatever the fast lane does is as without it
    plain.insert(plain.end(), {"--fast-lane", "off"});
    auto const ran = lab.run(ReplayLab::replay_two(captures, lab.path("want"), plain));
    BOOST_REQUIRE_MESSAGE(ran.status == 0, ran.text);
    want = read_outputs(lab.path("want"));
    if (!firewall) BOOST_REQUIRE_EQUAL(account_two(captures, lab.path("want")), "");
    auto const verdicts = reasons(lab.path("want/verdicts.jsonl"));
    size_t lines = 0;
    for (const auto& [reason, packets] : verdicts) lines += packets;
    BOOST_TEST(lines == kPackets);
    if (seed % 2 != 0 && !firewall) BOOST_TEST(verdicts.contains("table_full"));
    for (const auto& [name, bytes] : want)
      if (name != "drops.pcap" && name != "local.pcap") BOOST_TEST(!bytes.empty(), name << " is empty");
  }

  void start() {
    std::vector<std::string> more{"--run", lab.run_dir(), "--pps", kPace, "--hang-ms", kHangMs};
    more.insert(more.end(), flows.begin(), flows.end());
    lab.start(ReplayLab::replay_two(captures, lab.path("got"), more));
  }
  void compare(unsigned seed) {
    BOOST_TEST(lab.wait_long() == 0, lab.log());
    if (seed % 3 != 0) BOOST_TEST(lab.log().find("fast lane ") != std::string::npos, lab.log());
    BOOST_TEST(difference(want, read_outputs(lab.path("got"))) == "");
    BOOST_TEST(lab.nothing_left());
  }

  ReplayLab lab;
  std::string captures;
  std::vector<std::string> flows;
  bool firewall;
  Outputs want;
};

void report(const char* what, unsigned seed, const Suffered& suffered, std::chrono::steady_clock::time_point begin) {
  auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  std::string text = std::string(what) + ", seed " + std::to_string(seed) + ": ";
  for (const auto& [name, kills] : suffered.kills) text += name + " " + std::to_string(kills) + ", ";
  text += std::to_string(suffered.all_kills) + " kills and " + std::to_string(suffered.all_stops) + " stops in all, " +
          std::to_string(suffered.answers) + " answers of status, " + std::to_string(ms.count()) + " ms";
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void all_suffered(const Suffered& suffered) {
  BOOST_TEST(suffered.wrong == "");
  BOOST_TEST(suffered.all_kills >= kKillsWanted);
  for (const char* name : {"keeper", "pktio", "conntrack", "rules", "nat"}) {
    BOOST_TEST(suffered.kills.contains(name), name << " was never killed");
    BOOST_TEST(suffered.stops.contains(name), name << " was never stopped");
  }
  BOOST_TEST(suffered.full_answers > 0);
}

template <class Run>
void for_each_seed(Run run) {
  unsigned const first = number_of("BULKHEAD_ORACLE_FIRST", 1);
  for (unsigned seed = first; seed < first + number_of("BULKHEAD_ORACLE_SEEDS", 3); ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) run(seed);
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_that_is_killed_or_stopped_shows_in_the_output) {
  for_each_seed([](unsigned seed) {
    Oracle oracle(seed);
    auto const begin = std::chrono::steady_clock::now();
    oracle.start();
    Tormentor tormentor(oracle.lab, seed);
    tormentor.run(plan_torment(seed, kPackets));
    oracle.compare(seed);
    report("kills and stops", seed, tormentor.suffered(), begin);
    all_suffered(tormentor.suffered());
  });
}

BOOST_AUTO_TEST_CASE(a_service_killed_again_while_it_recovers_does_not_show_in_the_output) {
  unsigned const seed = number_of("BULKHEAD_ORACLE_FIRST", 1);
  Oracle oracle(seed);
  auto const begin = std::chrono::steady_clock::now();
  oracle.start();
  Tormentor tormentor(oracle.lab, seed);
  uint64_t at = kPackets / 20;
  for (const char* name : {"pktio", "conntrack", "keeper", "rules", "nat", "pktio", "conntrack"}) {
    if (!tormentor.wait_for(at)) break;
    tormentor.hunt(name, 4);
    at += kPackets / 10;
  }
  oracle.compare(seed);
  report("killed while recovering", seed, tormentor.suffered(), begin);
  BOOST_TEST(tormentor.suffered().wrong == "");
  BOOST_TEST(tormentor.suffered().all_kills >= kKillsWanted);
}
