// tests/unit/rules_text_test.cc: text into rules and back, by golden pairs; errors by place and reason; nothing that is hostile
// does more than end in an error.
#define BOOST_TEST_MODULE rules_text_test
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"
#include "common/ruleset/write/json.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::rules {
namespace {

struct Outcome {
  ruleset::Ruleset ruleset;
  ruleset::Diagnostics diagnostics;
  ruleset::Sources sources;
  [[nodiscard]] std::string first() const {
    return diagnostics.all().empty() ? std::string() : ruleset::to_text(diagnostics.all().front(), sources);
  }
};

const ruleset::Registry& registry() {
  static const ruleset::Registry all(ruleset::all_modules());
  return all;
}

void read(Outcome& outcome, std::string text) {
  auto const index = outcome.sources.add("in", std::move(text));
  auto commands = ruleset::read_text(outcome.sources, index, registry(), {}, outcome.diagnostics);
  ruleset::apply(outcome.ruleset, std::move(commands), registry(), outcome.diagnostics);
}

/// The listing of one rule in a chain of that family.
std::string rule(std::string_view family, std::string_view text) {
  Outcome outcome;
  read(outcome, fmt::format("table {} t {{\n chain other {{ }}\n chain c {{\n{}\n}}\n}}\n", family, text));
  if (outcome.diagnostics.any()) return outcome.first();
  return ruleset::rule_text(outcome.ruleset.tables[0].chains[1].rules[0], family, {});
}

struct Pair {
  const char *family, *in, *out;
};

BOOST_AUTO_TEST_CASE(rules_are_listed_as_nft_lists_them) {
  constexpr Pair kPairs[] = {
      {"ip", "tcp dport ssh accept", "tcp dport 22 accept"},
      {"ip", "tcp dport {443,80} accept", "tcp dport { 80, 443 } accept"},
      {"ip", "tcp dport { 1-5, 6-9 } drop", "tcp dport { 1-9 } drop"},
      {"ip", "tcp dport { 22 } drop", "tcp dport 22 drop"},
      {"ip", "ip saddr 10.0.0.7/8", "ip saddr 10.0.0.0/8"},
      {"ip", "ct state related,established accept", "ct state established,related accept"},
      {"inet", "meta l4proto tcp tcp dport 22", "tcp dport 22"},
      {"inet", "meta nfproto ipv4 tcp dport 22", "meta nfproto ipv4 tcp dport 22"},
      {"inet", "ip protocol tcp tcp dport 22", "ip protocol tcp tcp dport 22"},
      {"ip", "ip protocol tcp tcp dport 22", "tcp dport 22"},
      {"ip", "tcp flags & (syn|ack) == syn", "tcp flags syn / syn,ack"},
      {"ip", "tcp flags & (syn|ack) != 0", "tcp flags syn,ack"},
      {"ip", "meta mark and 0xf or 0x10 == 0x10", "meta mark & 0x0000001f | 0x00000010 == 0x00000010"},
      {"inet", "reject with icmp type host-unreachable", "reject with icmp host-unreachable"},
      {"ip", "reject", "reject"},
      {"ip", "counter jump other", "counter packets 0 bytes 0 jump other"},
      {"ip", "limit rate over 1024 kbytes/second burst 1 mbytes", "limit rate over 1 mbytes/second burst 1 mbytes"},
      {"ip", "icmp id 7", "icmp type { echo-reply, echo-request } icmp id 7"},
  };
  for (const Pair& pair : kPairs) BOOST_TEST(rule(pair.family, pair.in) == pair.out);
}

BOOST_AUTO_TEST_CASE(errors_name_file_line_column_and_underline_the_word) {
  Outcome outcome;
  read(outcome, "table ip t {\n\tchain c {\n\t\ttcp dport 70000 accept\n\t}\n}\n");
  BOOST_TEST(outcome.first() == "in:3:13-17: Error: Service out of range\n\t\ttcp dport 70000 accept\n\t\t          ^^^^^\n");
}

BOOST_AUTO_TEST_CASE(all_errors_of_a_file_are_told_and_nothing_is_changed) {
  Outcome outcome;
  read(outcome, "table ip t {\n chain c {\n tcp dport 70000\n ct state nwe\n ip saddr @x\n accept\n}\n}\n");
  BOOST_TEST(outcome.diagnostics.count() == 3u);
  BOOST_TEST(outcome.ruleset.tables.empty());
}

BOOST_AUTO_TEST_CASE(a_language_element_that_is_not_there_is_refused_at_its_place) {
  BOOST_TEST(rule("ip", "frobnicate 5").starts_with("in:4:1-10: Error: syntax error, unexpected string"));
}

BOOST_AUTO_TEST_CASE(a_file_that_fails_leaves_the_ruleset_before_it) {
  Outcome outcome;
  read(outcome, "add table ip t\nadd chain ip t c\n");
  std::string const before = ruleset::list_ruleset(outcome.ruleset, {});
  read(outcome, "add rule ip t c accept\nadd rule ip t nowhere accept\n");
  BOOST_TEST(outcome.diagnostics.any());
  BOOST_TEST(ruleset::list_ruleset(outcome.ruleset, {}) == before);
}

BOOST_AUTO_TEST_CASE(hooks_are_listed_in_the_order_that_packets_meet_their_chains) {
  Outcome outcome;
  read(outcome, "table ip t {\n chain a { type filter hook input priority 5; }\n chain b { type filter hook input priority -300; }\n chain no { }\n}\n"
                "table inet u {\n chain c { type filter hook input priority 5; }\n"
                " chain d { type filter hook ingress devices = { wan, lan } priority 0; }\n}\n");
  BOOST_TEST(outcome.first() == "");
  ruleset::Command list{};
  list.thing = ruleset::Thing::hooks;
  std::string const six = "family ip6 {\n\thook input {\n\t\t+0000000005 chain inet u c\n\t}\n}\n";
  BOOST_TEST(ruleset::list_text(outcome.ruleset, list, {}) ==
             "family ip {\n\thook input {\n\t\t-0000000300 chain ip t b\n\t\t+0000000005 chain inet u c\n\t\t+0000000005 chain ip t a\n\t}\n}\n" + six +
                 "family netdev {\n\thook ingress device lan {\n\t\t 0000000000 chain inet u d\n\t}\n"
                 "\thook ingress device wan {\n\t\t 0000000000 chain inet u d\n\t}\n}\n");
  list.family = "ip6";
  BOOST_TEST(ruleset::list_text(outcome.ruleset, list, {}) == six);
}

BOOST_AUTO_TEST_CASE(hours_are_listed_in_each_time_zone_so_that_they_can_be_read_back) {
  // Those of the first are an evening that UTC's midnight has passed; of the second a morning before it; the third is neither.
  for (auto const& [zone, hours] : {std::pair{"New_York5", R"("20:00"-"21:30")"}, {"Kolkata-5:30", R"("04:00"-"05:15")"}, {"UTC0", R"("20:00"-"21:30")"},
                                    {"Honolulu10", R"({ "15:00"-"16:00:30", "23:59" })"}}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    std::string const text = fmt::format("table inet t {{\n\tchain f {{\n\t\tmeta hour {} accept\n\t}}\n}}\n", hours);
    Outcome outcome;
    read(outcome, text);
    BOOST_TEST(outcome.first() == "");
    BOOST_TEST(ruleset::list_ruleset(outcome.ruleset, {}) == text, zone);
  }
  ::unsetenv("TZ");
  ::tzset();
}

BOOST_AUTO_TEST_CASE(rules_are_inserted_replaced_and_deleted_by_handle) {
  Outcome outcome;
  read(outcome, "add table ip t\nadd chain ip t c\nadd rule ip t c accept\nadd rule ip t c drop\ninsert rule ip t c handle 3 return\n"
                "replace rule ip t c handle 2 continue\ndelete rule ip t c handle 3\n");
  BOOST_TEST(!outcome.diagnostics.any());
  ruleset::Style style;
  style.handles = true;
  BOOST_TEST(ruleset::list_ruleset(outcome.ruleset, style) ==
             "table ip t { # handle 1\n\tchain c { # handle 1\n\t\tcontinue # handle 2\n\t\treturn # handle 4\n\t}\n}\n");
}

BOOST_AUTO_TEST_CASE(a_listing_read_again_gives_the_same_listing_in_text_and_json) {
  Outcome outcome;
  read(outcome, "table inet t {\n set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }\n"
                " map m { type inet_service : verdict; elements = { 22 : accept, 23 : jump o } }\n chain o { }\n"
                " chain c { type filter hook input priority filter + 1; policy drop; ip saddr @s tcp dport vmap @m; counter; "
                "log prefix \"x\" level info; meta mark set ct mark and 0xff; }\n}\n");
  BOOST_TEST_REQUIRE(!outcome.diagnostics.any());
  std::string const text = ruleset::list_ruleset(outcome.ruleset, {}), json = ruleset::json_text(outcome.ruleset, {});
  Outcome second;
  read(second, text);
  BOOST_TEST(ruleset::list_ruleset(second.ruleset, {}) == text);
  Outcome third;
  ruleset::apply(third.ruleset, ruleset::read_json(json, registry(), third.diagnostics), registry(), third.diagnostics);
  BOOST_TEST(!third.diagnostics.any());
  BOOST_TEST(ruleset::list_ruleset(third.ruleset, {}) == text);
}

BOOST_AUTO_TEST_CASE(hostile_depth_and_size_end_in_an_error) {
  std::string nested = "add element ip t s ";
  for (int i = 0; i < 100'000; ++i) nested += "{ ";
  std::string chained = "add rule ip t c meta mark set 1";
  for (int i = 0; i < 100'000; ++i) chained += " | 1";
  std::string doubled = "define a0 = { 1, 2 }\n";
  for (int i = 1; i < 64; ++i) doubled += fmt::format("define a{} = {{ $a{}, $a{} }}\n", i, i - 1, i - 1);
  std::string parentheses = "add rule ip t c meta mark " + std::string(100'000, '(');
  std::string deep_json = "{\"nftables\":";
  for (int i = 0; i < 100'000; ++i) deep_json += "[";
  for (std::string text : {nested, chained, doubled, parentheses}) {
    Outcome outcome;
    read(outcome, "add table ip t\nadd chain ip t c\nadd set ip t s { type mark; }\n" + text + "\n");
    BOOST_TEST(outcome.diagnostics.any());
  }
  ruleset::Diagnostics diagnostics;
  static_cast<void>(ruleset::read_json(deep_json, registry(), diagnostics));
  BOOST_TEST(diagnostics.any());
}

BOOST_AUTO_TEST_CASE(every_module_says_what_it_is) {
  for (const ruleset::Module* const module : ruleset::all_modules()) {
    BOOST_TEST(!module->name.empty());
    BOOST_TEST(!module->help.empty(), module->name);
    for (const ruleset::Key& key : module->keys) BOOST_TEST((key.type != nullptr), module->name << " " << key.name);
  }
}

}  // namespace
}  // namespace bulkhead::rules
