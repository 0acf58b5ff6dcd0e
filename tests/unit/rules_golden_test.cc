// tests/unit/rules_golden_test.cc: each module has a golden pair, NAME.nft in tests/golden and NAME.json: a ruleset as nft lists it in
// text and in JSON. Each is read and listed in both; and a module that only this test knows is found wherever others are.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"
#include "common/ruleset/write/json.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::test {
namespace {

using ruleset::Module;

struct Loaded {
  ruleset::Ruleset ruleset;
  ruleset::Sources sources;
  ruleset::Diagnostics diagnostics;
  [[nodiscard]] std::string error() const {
    return diagnostics.any() ? ruleset::to_text(diagnostics.all().front(), sources) : std::string();
  }
  [[nodiscard]] std::string text() const { return ruleset::list_ruleset(ruleset, {}); }
  [[nodiscard]] std::string json() const { return ruleset::json_text(ruleset, {}) + "\n"; }
};

const ruleset::Registry& registry() {
  static const ruleset::Registry all(ruleset::all_modules());
  return all;
}

void load(Loaded& into, std::string text, const ruleset::Registry& from = registry()) {
  auto const index = into.sources.add("in", std::move(text));
  ruleset::apply(into.ruleset, ruleset::read_text(into.sources, index, from, {}, into.diagnostics), from, into.diagnostics);
}

void load_json(Loaded& into, const std::string& json, const ruleset::Registry& from = registry()) {
  ruleset::apply(into.ruleset, ruleset::read_json(json, from, into.diagnostics), from, into.diagnostics);
}

std::filesystem::path folder() { return BULKHEAD_GOLDEN; }

std::string whole(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Names of the pairs: files without their ending.
std::set<std::string> pairs() {
  std::set<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(folder())) names.insert(entry.path().stem());
  return names;
}

std::string pair_of(const Module& module) {
  std::string name(module.role == ruleset::Role::raw_payload ? "raw payload" : module.name);
  std::ranges::replace(name, ' ', '_');
  return name;
}

/// The modules that a listing of the ruleset shows.
class Shown {
 public:
  explicit Shown(const ruleset::Ruleset& ruleset) {
    for (const ruleset::Table& table : ruleset.tables) {
      for (const ruleset::Object& object : table.objects) modules_.insert(object.body.module);
      for (const ruleset::Chain& chain : table.chains)
        for (const ruleset::Rule& rule : chain.rules)
          for (const ruleset::Statement& one : rule.statements)
            if (!one.hidden) statement(one);
    }
  }
  [[nodiscard]] bool has(const Module& module) const { return modules_.contains(&module); }

 private:
  void statement(const ruleset::Statement& statement) {
    modules_.insert(statement.module);
    for (const ruleset::Argument& one : statement.arguments) expression(one.value);
  }
  void expression(const ruleset::Expression& expression) {
    if (expression.module != nullptr) modules_.insert(expression.module);
    for (const ruleset::Expression& part : expression.parts) this->expression(part);
    for (const ruleset::Statement& one : expression.statements) statement(one);
  }

  std::set<const Module*> modules_;
};

/// What is lost in JSON, so that what comes back lists otherwise: nft's JSON has no word for it (`add @map`).
bool whole_in_json(const std::string& pair) {
  static const std::set<std::string> kLosing = {"set"};
  return !kLosing.contains(pair);
}

BOOST_AUTO_TEST_CASE(a_golden_text_is_listed_as_it_is_and_its_json_as_the_pair_says) {
  for (const std::string& name : pairs()) {
    std::string const text = whole(folder() / (name + ".nft")), json = whole(folder() / (name + ".json"));
    BOOST_TEST(!text.empty(), name << ".nft is not there");
    BOOST_TEST(!json.empty(), name << ".json is not there");
    Loaded loaded;
    load(loaded, text);
    BOOST_TEST(loaded.error() == "", name);
    BOOST_TEST(loaded.text() == text, name << " is listed as:\n" << loaded.text());
    BOOST_TEST(loaded.json() == json, name << " is listed as:\n" << loaded.json());
  }
}

BOOST_AUTO_TEST_CASE(a_golden_json_read_is_listed_as_the_text) {
  for (const std::string& name : pairs()) {
    if (!whole_in_json(name)) continue;
    std::string const json = whole(folder() / (name + ".json"));
    Loaded loaded;
    load_json(loaded, json);
    BOOST_TEST(loaded.error() == "", name);
    BOOST_TEST(loaded.text() == whole(folder() / (name + ".nft")), name << " is listed as:\n" << loaded.text());
  }
}

BOOST_AUTO_TEST_CASE(every_module_is_shown_by_its_pair_and_every_pair_is_of_a_module) {
  std::set<std::string> left = pairs();
  for (const Module* const module : ruleset::all_modules()) {
    std::string const name = pair_of(*module);
    left.erase(name);
    Loaded loaded;
    load(loaded, whole(folder() / (name + ".nft")));
    BOOST_TEST(Shown(loaded.ruleset).has(*module), "tests/golden/" << name << ".nft does not show " << module->name);
  }
  for (const std::string& name : left) BOOST_ERROR("tests/golden has a pair " << name << ", and no module has that name");
}

// A match and a statement that no other file knows: what follows from their names, keys and parameters.
constexpr ruleset::Key kBerthKeys[] = {{.name = "number", .bits = 16, .help = "of the berth"},
                                       {.name = "pier", .type = &ruleset::interface_name, .help = "name of the pier"}};
constexpr ruleset::Parameter kMoorParameters[] = {
    {.name = "lines", .takes = ruleset::Takes::number, .unit = "lines", .help = "how many", .most = 8},
    {.name = "fast", .help = "at once"}};

const Module kBerth{.name = "berth", .form = ruleset::Form::select, .help = "where a ship lies", .keys = kBerthKeys};
const Module kMoor{.name = "moor", .help = "tie a ship up", .parameters = kMoorParameters, .terminal = true};

struct Harbour {
  std::vector<const Module*> modules{ruleset::all_modules().begin(), ruleset::all_modules().end()};
  Harbour() {
    modules.push_back(&kBerth);
    modules.push_back(&kMoor);
  }
  [[nodiscard]] ruleset::Registry registry() const { return ruleset::Registry(modules); }
};

BOOST_AUTO_TEST_CASE(a_module_of_the_tests_alone_is_read_checked_and_listed_in_text_and_json) {
  Harbour const harbour;
  auto const all = harbour.registry();
  Loaded loaded;
  load(loaded, "table ip t {\n\tchain c {\n\t\tberth number { 1-3, 7 } berth pier \"west\" moor lines 4 fast\n\t}\n}\n", all);
  BOOST_TEST(loaded.error() == "");
  BOOST_TEST(loaded.text() == "table ip t {\n\tchain c {\n\t\tberth number { 1-3, 7 } berth pier \"west\" moor lines 4 fast\n\t}\n}\n");
  BOOST_TEST(loaded.json().find(R"({"match": {"op": "==", "left": {"berth": {"key": "pier"}}, "right": "west"}})") != std::string::npos);
  Loaded again;
  load_json(again, R"({"nftables": [{"table": {"family": "ip", "name": "t"}}, {"chain": {"family": "ip", "table": "t", "name": "c"}},
    {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [
      {"match": {"op": "!=", "left": {"berth": {"key": "number"}}, "right": 9}}]}}]})", all);
  BOOST_TEST(again.error() == "");
  BOOST_TEST(again.text() == "table ip t {\n\tchain c {\n\t\tberth number != 9\n\t}\n}\n");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_module_of_the_tests_alone_is_told_at_its_place) {
  Harbour const harbour;
  auto const all = harbour.registry();
  auto const error = [&](std::string_view rule) {
    Loaded loaded;
    load(loaded, fmt::format("table ip t {{\n chain c {{\n{}\n}}\n}}\n", rule), all);
    return loaded.error();
  };
  BOOST_TEST(error("berth number 70000") == "in:3:14-18: Error: Value 70000 exceeds valid range 0-65535\nberth number 70000\n             ^^^^^\n");
  BOOST_TEST(error("moor lines 9") == "in:3:12-12: Error: Value 9 exceeds valid range 0-8\nmoor lines 9\n           ^\n");
  BOOST_TEST(error("moor accept").find("Statement after terminal statement has no effect") != std::string::npos);
  BOOST_TEST(error("berth number set 5").find("berth number: cannot be set") != std::string::npos);
}

}  // namespace
}  // namespace bulkhead::test
