// tests/unit/rules_lines_test.cc: what nft takes we take, what it refuses we refuse, line by line: tests/lines, whose page says what the words mean.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"

namespace bulkhead::test {
namespace {

const std::map<std::string, std::string> kChains = {
    {"inp", "type filter hook input priority 0;"},         {"outp", "type filter hook output priority 0;"},
    {"forw", "type filter hook forward priority 0;"},      {"pre", "type filter hook prerouting priority -150;"},
    {"post", "type filter hook postrouting priority 0;"},  {"npre", "type nat hook prerouting priority -100;"},
    {"nout", "type nat hook output priority -100;"},       {"nin", "type nat hook input priority 100;"},
    {"npost", "type nat hook postrouting priority 100;"},  {"ingr", "type filter hook ingress device lo priority 0;"}};

/// The first error, or nothing.
std::string refusal(const std::string& text) {
  static const ruleset::Registry registry(ruleset::all_modules());
  ruleset::Sources sources;
  ruleset::Diagnostics diagnostics;
  ruleset::Ruleset ruleset;
  auto const index = sources.add("in", text);
  ruleset::apply(ruleset, ruleset::read_text(sources, index, registry, {}, diagnostics), registry, diagnostics);
  return diagnostics.any() ? ruleset::to_text(diagnostics.all().front(), sources) : std::string();
}

std::string with_line_ends(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  return text;
}

/// A section: the commands before its lines, and what begins each.
struct Section {
  std::string before, begin;

  void open(std::string_view line) {
    *this = {};
    if (line == "whole") return;
    std::string const family(line.substr(3, line.find(' ', 3) - 3)), chain(line.substr(line.find(' ', 3) + 1));
    auto const spec = kChains.find(chain);
    BOOST_TEST_REQUIRE((spec != kChains.end()), "no chain is called " << chain);
    before = fmt::format("add table {0} t\nadd chain {0} t {1} {{ {2} }}\n", family, chain, spec->second);
    begin = fmt::format("add rule {} t {} ", family, chain);
  }
};

size_t hold_to(const std::filesystem::path& file) {
  std::ifstream stream(file);
  Section section;
  size_t count = 0;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line == "whole" || line.starts_with("in ")) {
      section.open(line);
    } else if (line.starts_with("with ")) {
      section.before += line.substr(5) + "\n";
    } else {
      std::string const word = line.substr(0, line.find(' ')), rest = line.substr(line.find_first_not_of(' ', word.size()));
      std::string const said = refusal(section.before + section.begin + with_line_ends(rest) + "\n");
      bool const takes = word == "ok" || word == "more" || word == "lacks";
      BOOST_TEST((takes || word == "fail" || word == "less"), file << ": a line begins with " << word);
      BOOST_TEST(said.empty() == takes, file.filename() << ": " << section.begin << rest << "\n" << (takes ? said : "is taken"));
      ++count;
    }
  }
  return count;
}

BOOST_AUTO_TEST_CASE(what_nft_refuses_is_refused_and_what_it_takes_is_taken) {
  size_t count = 0;
  for (auto const& entry : std::filesystem::directory_iterator(BULKHEAD_LINES))
    if (entry.path().extension() == ".lines") count += hold_to(entry.path());
  BOOST_TEST(count > 1500U);
}

}  // namespace
}  // namespace bulkhead::test
