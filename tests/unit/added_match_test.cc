// tests/unit/added_match_test.cc: a match and a statement that only this file knows. All that the rest is given are two rows of
// modules and two of operations, and parser, printer, JSON, describe's data, compiler and evaluation know them.
#include <boost/test/unit_test.hpp>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/compile/compile.h"
#include "common/ruleset/modules/all.h"
#include "common/ruleset/write/json.h"
#include "tests/unit/rules_firewall.h"

using namespace bulkhead;
using namespace bulkhead::test;
using ruleset::StepOperation;

namespace {

// --- `journey hops 1-3`: how many routers a packet has passed, as far as its TTL tells ---

ruleset::Next load_hops(const ruleset::Step& step, ruleset::Evaluation& packet) noexcept {
  uint8_t const left = packet.head[packet.l3 == 4 ? 8 : 7];
  uint8_t const first = left <= 64 ? 64 : left <= 128 ? 128 : 255;
  packet.registers[step.to] = static_cast<uint8_t>(first - left);
  return ruleset::Next::step;
}

const StepOperation journey_hops{.name = "journey hops", .run = load_hops, .role = StepOperation::Role::load};

constexpr ruleset::Key kKeys[] = {{.name = "hops", .bits = 8, .help = "routers passed so far", .load = &journey_hops}};
const ruleset::Module journey{
    .name = "journey", .form = ruleset::Form::select, .help = "where a packet has been", .keys = kKeys};

// --- `tally`: counts packets in a word of its own, and goes on ---

ruleset::Next add_one(const ruleset::Step& step, ruleset::Evaluation& packet) noexcept {
  packet.state->set(step.word, packet.state->get(step.word) + 1);
  return ruleset::Next::step;
}

const StepOperation tally_one{.name = "tally", .run = add_one, .goes_on = true, .changes = 1};

void compile_tally(const ruleset::Statement&, ruleset::Compiler& compiler) {
  compiler.emit(tally_one, {.word = compiler.words({0})});
}

const ruleset::Module tally{
    .name = "tally", .help = "count packets",
    .print = [](const ruleset::Statement&, ruleset::Out& out) { out << "tally"; }, .compile = compile_tally};

// --- everything there is, and these ---

template <class Row>
std::vector<const Row*> with(std::span<const Row* const> all, std::initializer_list<const Row*> more) {
  std::vector<const Row*> rows(all.begin(), all.end());
  rows.insert(rows.end(), more);
  return rows;
}

const std::vector<const ruleset::Module*> kModules = with(ruleset::all_modules(), {&journey, &tally});
const std::vector<const StepOperation*> kOperations = with(ruleset::all_operations(), {&journey_hops, &tally_one});
const ruleset::Vocabulary kVocabulary{kModules, kOperations};

const std::string kRules = "journey hops 1-3 tally accept\njourney hops { 5, 7-9 } drop\ntally";

Bytes come(uint8_t hops) {
  auto const left = static_cast<uint8_t>(64 - hops);
  return ethernet(ip(kOut, packet::protocol::udp, udp(kOut, 1000, 53, pattern(20)), {.hop_limit = left}));
}

ruleset::Ruleset read(const std::string& text) {
  auto made = ruleset::read_ruleset("test", text, {}, kVocabulary);
  BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  return *made;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_match_and_a_statement_from_here_are_parsed_and_printed) {
  std::string const listed = ruleset::list_ruleset(read(in_chain(kRules)), {});
  for (const char* rule : {"\t\tjourney hops 1-3 tally accept\n", "\t\tjourney hops { 5, 7-9 } drop\n", "\t\ttally\n"})
    BOOST_TEST(listed.find(rule) != std::string::npos, rule);
  BOOST_TEST(ruleset::list_ruleset(read(listed), {}) == listed);
  BOOST_TEST(!ruleset::read_ruleset("test", in_chain("journey hops 256"), {}, kVocabulary).has_value());
  BOOST_TEST(!ruleset::read_ruleset("test", in_chain(kRules)).has_value());
}

BOOST_AUTO_TEST_CASE(they_go_out_as_json_and_come_back) {
  ruleset::Ruleset const written = read(in_chain(kRules));
  std::string const json = ruleset::json_text(written, {});
  for (const char* part : {R"({"journey": {"key": "hops"}})", R"({"tally": null})", R"({"range": [1, 3]})"})
    BOOST_TEST(json.find(part) != std::string::npos, part);
  ruleset::Registry const registry(kModules);
  ruleset::Diagnostics diagnostics;
  ruleset::Ruleset back;
  BOOST_TEST(ruleset::apply(back, ruleset::read_json(json, registry, diagnostics), registry, diagnostics));
  BOOST_TEST(!diagnostics.any());
  BOOST_TEST(ruleset::list_ruleset(back, {}) == ruleset::list_ruleset(written, {}));
}

BOOST_AUTO_TEST_CASE(the_registry_describes_them) {
  ruleset::Registry const registry(kModules);
  const ruleset::Module* const found = registry.expression("journey");
  BOOST_REQUIRE((found == &journey && registry.statement("tally") == &tally));
  const ruleset::Key* const key = ruleset::find_key(*found, "hops");
  BOOST_REQUIRE((key != nullptr));
  BOOST_TEST(key->type->name == "integer");
  BOOST_TEST(key->width() == 8);
  BOOST_TEST(key->help == "routers passed so far");
}

BOOST_AUTO_TEST_CASE(packets_are_judged_by_them) {
  Firewall firewall(in_chain(kRules), kVocabulary);
  BOOST_TEST(firewall(come(1)) == "accept");
  BOOST_TEST(firewall(come(3)) == "accept");
  BOOST_TEST(firewall(come(8)) == "drop");
  BOOST_TEST(firewall(come(4)) == "policy");
  BOOST_TEST(firewall.state.words.at(0) == 2U);
  BOOST_TEST(firewall.state.words.at(1) == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_found_out_about_programs_goes_by_their_rows) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += fmt::format("journey hops {} drop\n", i + 1);
  Firewall firewall(in_chain(many), kVocabulary);
  BOOST_TEST((firewall.loaded->program.chains[0].classifier != nullptr));  // it loads what no rule changes
  BOOST_TEST(firewall(come(20)) == "drop");
  BOOST_TEST(firewall(come(50)) == "policy");
  BOOST_TEST(!firewall.at(ruleset::At::forward, come(0)).steady);  // two packets of a flow may have another TTL
  BOOST_TEST(Firewall(in_chain("tally\ntally"), kVocabulary).loaded->program.changes == 2U);
}

BOOST_AUTO_TEST_CASE(an_operation_that_is_not_in_the_table_is_refused_by_name) {
  auto const refused = ruleset::load("test", in_chain("journey hops 1"), {}, {}, {.modules = kModules});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("journey hops: not in the table of operations") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_operation_says_what_it_is_and_stands_once) {
  std::vector<std::string_view> names;
  for (const StepOperation* const operation : ruleset::all_operations()) {
    BOOST_TEST((operation->run != nullptr), operation->name);
    bool const foreseen = operation->role == StepOperation::Role::condition || operation->role == StepOperation::Role::map;
    BOOST_TEST(foreseen == (operation->ranges != nullptr), operation->name);
    names.push_back(operation->name);
  }
  std::ranges::sort(names);
  BOOST_TEST((std::ranges::adjacent_find(names) == names.end()));
  BOOST_TEST(names.front() != "");
}
