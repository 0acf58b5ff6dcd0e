// Long chains with a classifier against the same chains rule by rule, which is what a watcher sees.
#include "common/ruleset/run/classifier.h"
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

struct Watch : ruleset::Watcher {
  void tried(uint32_t, bool) override {}
  void policy(uint32_t) override {}
};

constexpr unsigned kHosts = 40, kPorts = 30;

/// Conditions and verdicts that overlap a lot, so that order matters.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}
  std::string ruleset(size_t rules) {
    std::string text = "table inet t {\n map m { type inet_service : verdict; elements = { 3 : drop, 4 : jump b, 5 : goto b, 6 : return } }\n";
    for (const char* name : {"a", "b"}) text += fmt::format(" chain {} {{\n{} }}\n", name, in_chain(rules / 4 + 1, false));
    return text + " chain c { type filter hook forward priority 0; policy drop;\n" + in_chain(rules, true) + " }\n}\n";
  }
  Bytes packet() {
    Ends const ends = random_.below(8) == 0 ? kOut6 : Ends{address(host(kHosts)), address(host(kHosts))};
    if (random_.below(8) == 0) return ping(ends);
    return random_.below(2) == 0 ? segment(port(), tcp_flag::syn, ends) : datagram(port(), port(), ends, random_.below(60));
  }

 private:
  uint16_t port() { return static_cast<uint16_t>(random_.below(kPorts)); }
  std::string host(unsigned count) { return fmt::format("10.0.0.{}", random_.below(count)); }
  std::string range(unsigned most) {
    unsigned const low = random_.below(most - 1);
    return fmt::format("{}-{}", low, low + 1 + random_.below(most - low));
  }
  /// `protocol`: the only one that may be asked about.
  std::string condition(const char* protocol) {
    switch (random_.below(12)) {
      case 0: return "ip saddr " + host(kHosts);
      case 1: return fmt::format("ip daddr {}/{}", host(kHosts), 26 + random_.below(6));
      case 2: return fmt::format("ip saddr != {}", host(kHosts));
      case 3: return fmt::format("ip saddr {{ {}, {} }}", host(20), "10.0.0.20-10.0.0.3" + std::to_string(random_.below(9)));
      case 4: return fmt::format("{} dport {}", protocol, port());
      case 5: return fmt::format("{} dport {}", protocol, range(kPorts));
      case 6: return fmt::format("{} sport {} {}", protocol, random_.below(2) == 0 ? "<" : ">", 1 + port());
      case 7: return fmt::format("meta l4proto {}", protocol);
      case 8: return fmt::format("ip saddr & 0.0.0.7 == 0.0.0.{}", random_.below(8));
      case 9: return fmt::format("ip saddr . {} dport {{ 10.0.0.{} . {}, {} . 77 }}", protocol, random_.below(20), port(), host(kHosts));
      case 10: return fmt::format("meta mark {}", random_.below(4));
      default: return fmt::format("meta length {}", range(80));
    }
  }
  std::string action(bool jumps) {
    switch (random_.below(jumps ? 12 : 9)) {
      case 0: return "accept";
      case 1: return "drop";
      case 2: return "reject";
      case 3: return "return";
      case 4: return fmt::format("meta mark set {}", random_.below(4));
      case 5: return "limit rate 1/second burst 2 packets counter";
      case 9: return "jump a";
      case 10: return "tcp dport vmap @m";
      case 11: return random_.below(20) == 0 ? "goto a" : "jump b";
      default: return "counter";
    }
  }
  std::string in_chain(size_t rules, bool jumps) {
    std::string text;
    for (size_t i = 0; i < rules; ++i) {
      const char* const protocol = random_.below(2) == 0 ? "tcp" : "udp";
      for (unsigned n = random_.below(3) + (random_.below(30) == 0 ? 0 : 1); n != 0; --n) text += condition(protocol) + " ";
      text += (random_.below(3) == 0 ? "counter " : "") + action(jumps && protocol[0] == 't') + "\n";
    }
    return text;
  }

  Random random_;
};

std::string said_by(const ruleset::Evaluation& packet) {
  return fmt::format("{} rule {} policy {} mark {} reject {}/{}", static_cast<int>(packet.verdict), packet.rule, packet.policy,
                     packet.mark, packet.reject.type, packet.reject.code);
}

}  // namespace

BOOST_AUTO_TEST_CASE(classified_chains_say_what_their_rules_say_in_order) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Writer writer(seed);
    std::string const text = writer.ruleset(30 + seed * 4);
    Firewall classified(text), plain(text);
    BOOST_REQUIRE(classified.loaded->program.chains.back().classifier != nullptr);
    for (int i = 0; i < 400; ++i) {
      Bytes const frame = writer.packet();
      Watch watch;
      std::string const left = said_by(classified.at(ruleset::At::forward, frame));
      std::string const right = said_by(plain.at(ruleset::At::forward, frame, chain::FlowState::fresh, &watch));
      BOOST_REQUIRE_MESSAGE(left == right && classified.state.words == plain.state.words,
                            "seed " << seed << " packet " << i << ": " << left << ", in order " << right << "\n" << text);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_packet_tries_few_rules_of_ten_thousand) {
  std::string text;
  for (unsigned i = 0; i < 10'000; ++i) {
    std::string const host = fmt::format("10.{}.{}.{}", i % 7, i / 256, i % 256);
    text += i % 3 == 0 ? fmt::format("ip saddr {} tcp dport {} accept\n", host, i % 1000) : i % 3 == 1
              ? fmt::format("ip daddr {}/{} counter drop\n", host, 24 + i % 9) : fmt::format("udp dport {} ip saddr 10.0.0.0/8 accept\n", i);
  }
  Firewall firewall(in_chain(text));
  const ruleset::Classifier* const made = firewall.loaded->program.chains.back().classifier.get();
  BOOST_REQUIRE(made != nullptr);
  size_t entries = 0;
  for (const auto& index : made->indexes()) entries += index.rules.size();
  BOOST_TEST(entries < 200'000U);
  std::array<ruleset::Classifier::List, ruleset::Classifier::kListsMost> lists;
  for (unsigned i = 0; i < 1000; ++i) {
    Ends const ends{address(fmt::format("10.{}.{}.9", i % 7, i % 40)), address(fmt::format("10.{}.{}.200", i % 7, i % 40))};
    firewall.at(ruleset::At::forward, datagram(9, static_cast<uint16_t>(i * 7), ends));
    size_t tried = 0;
    for (size_t list = made->candidates(firewall.packet, 0, lists); list != 0; --list) tried += lists[list - 1].size();
    BOOST_TEST(tried < 40U);
  }
}

BOOST_AUTO_TEST_CASE(short_chains_and_those_without_conditions_have_none) {
  std::string some, bare;
  for (int i = 0; i < 20; ++i) some += fmt::format("tcp dport {} accept\n", i);
  for (int i = 0; i < 100; ++i) bare += "counter\n";
  for (const std::string& rules : {some, bare}) BOOST_TEST((Firewall(in_chain(rules)).loaded->program.chains.back().classifier == nullptr));
}
