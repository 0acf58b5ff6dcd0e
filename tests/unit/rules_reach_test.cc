// What the compiler finds out about a ruleset for those beside rules: which flows it may close, whether chains before conntrack
// share state with others.
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;
using ruleset::Resets;

namespace {

std::unique_ptr<ruleset::Loaded> load(const std::string& rules) {
  auto made = ruleset::load("test", "table inet t {\n" + rules + "\n}\n", {});
  BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  return std::move(*made);
}

std::string forward(const std::string& rules) { return "chain f { type filter hook forward priority 0; policy accept;\n" + rules + "\n}"; }

}  // namespace

BOOST_AUTO_TEST_CASE(resets_of_established_flows_are_told_from_others) {
  struct Row {
    std::string rules;
    Resets resets;
  };
  const Row rows[] = {
      {forward("tcp dport 22 accept\nudp dport 53 reject"), Resets::none},
      {forward("tcp dport 22 reject with tcp reset"), Resets::any},
      {forward("ct state established,related accept\ntcp dport 22 reject with tcp reset"), Resets::others},
      {forward("ct state established counter accept\ntcp dport 22 reject with tcp reset"), Resets::others},
      {forward("ct state { established, related } accept\ntcp dport 22 reject with tcp reset"), Resets::others},
      {forward("ct state vmap { established : accept, invalid : drop }\ntcp dport 22 reject with tcp reset"), Resets::others},
      {forward("ct state related accept\ntcp dport 22 reject with tcp reset"), Resets::any},
      {forward("ct state != established accept\ntcp dport 22 reject with tcp reset"), Resets::any},
      {forward("ct state established tcp dport 80 accept\ntcp dport 22 reject with tcp reset"), Resets::any},
      {forward("ct state established,related drop\ntcp dport 22 reject with tcp reset"), Resets::any},
      {forward("tcp dport 22 reject with tcp reset\nct state established accept"), Resets::any},
      {"chain no { tcp dport 22 reject with tcp reset\n}\n" + forward("ct state established accept\njump no"), Resets::others},
      {"chain no { tcp dport 22 reject with tcp reset\n}\n" + forward("tcp dport 1-100 goto no\nct state established accept"), Resets::any},
      {"chain no { tcp dport 22 reject with tcp reset\n}\n" + forward("ct state vmap { new : jump no }"), Resets::any},
      {"chain unused { tcp dport 22 reject with tcp reset\n}\n" + forward("accept"), Resets::none},
      {forward("ct state established accept\ntcp dport 22 reject with tcp reset") +
           "\nchain i { type filter hook input priority 0; tcp dport 22 reject with tcp reset\n}",
       Resets::any},
  };
  for (const Row& row : rows) BOOST_TEST((load(row.rules)->program.resets == row.resets), row.rules);
}

BOOST_AUTO_TEST_CASE(state_that_chains_before_conntrack_share_is_found) {
  struct Row {
    std::string early, late;
    bool shares;
  };
  const std::string named = "quota q { over 100 bytes }\ncounter c { }\nset s { type ipv4_addr; size 9; flags dynamic; }\nchain both { limit rate 1/second accept\n}\n";
  const Row rows[] = {
      {"limit rate 5/second accept", "limit rate 5/second accept", false},
      {"counter name \"c\"", "counter name \"c\"", false},
      {"quota name \"q\" drop", "accept", false},
      {"quota name \"q\" drop", "quota name \"q\" drop", true},
      {"add @s { ip saddr }", "ip daddr @s drop", true},
      {"ip saddr @s drop", "add @s { ip saddr }", true},
      {"add @s { ip saddr }", "accept", false},
      {"jump both", "jump both", true},
      {"jump both", "accept", false},
      {"reject", "accept", true},
  };
  for (const Row& row : rows) {
    auto const loaded = load(named + "chain e { type filter hook prerouting priority raw;\n" + row.early + "\n}\n" + forward(row.late));
    BOOST_TEST(loaded->program.early);
    BOOST_TEST(loaded->program.early_shares == row.shares, row.early << ", " << row.late);
  }
  BOOST_TEST(!load("chain e { type filter hook prerouting priority -199; accept\n}\n")->program.early);
  BOOST_TEST(load("chain e { type filter hook prerouting priority -200; accept\n}\n")->program.early);
  BOOST_TEST(!load("chain e { type filter hook output priority raw; accept\n}\n")->program.early);
}

BOOST_AUTO_TEST_CASE(what_is_not_tracked_stays_so_and_what_is_tracked_too) {
  Firewall firewall("table inet t {\nchain e { type filter hook prerouting priority raw; udp dport 53 notrack\nct state untracked counter\nct state invalid counter\n}\n" +
                    forward("ct state untracked accept\nnotrack\nct state untracked drop") + "\n}\n");
  BOOST_TEST((firewall(datagram(1, 2), chain::FlowState::fresh) == "accept"));
  BOOST_TEST((firewall(datagram(1, 2), chain::FlowState::invalid) == "drop"));
  BOOST_TEST((firewall(datagram(1, 2), chain::FlowState::untracked) == "accept"));
}

BOOST_AUTO_TEST_CASE(header_fields_are_set_behind_conntrack_only) {
  auto const text = [](const char* priority) {
    return fmt::format(R"(table inet t {{
      chain sub {{ ip ttl set 9; }}
      chain e {{ type filter hook prerouting priority raw; accept; }}
      chain p {{ type filter hook prerouting priority {}; jump sub; }}
    }}
)", priority);
  };
  BOOST_TEST(ruleset::load("test", text("mangle"), {}).has_value());
  auto const refused = ruleset::load("test", text("raw"), {});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("chain sub: rules that set header fields before conntrack") != std::string::npos, refused.error().message);
}
