// The command line of small programs: what is taken, and what is said about what is not.
#define BOOST_TEST_MODULE command_line
#include "common/base/command_line.h"
#include "common/base/near_miss.h"

#include <boost/test/unit_test.hpp>

using namespace bulkhead;

namespace {

enum class Link { ethernet, raw };

struct Program {
  uint32_t seed = 7;
  uint64_t packets = 0;
  int holder = -1;
  std::optional<uint32_t> user;
  std::string out;
  bool loud = false;
  Link link = Link::ethernet;

  /// What is wrong with these words; empty: nothing.
  std::string parse(std::vector<std::string> words) {
    CommandLine line("program", "what it does");
    line.add("--seed", seed, "of chance");
    line.add("--packets", packets, "how many");
    line.add("--holder", holder, "a descriptor");
    line.add("--user", user, "an id");
    line.add_flag("--loud", loud, "say more");
    line.add("--link", link, "what a frame is", {{"ethernet", Link::ethernet}, {"raw", Link::raw}});
    line.add("OUT", out, "a file", CommandLine::Need::required);
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    auto const parsed = line.parse(pointers);
    return parsed ? "" : parsed.error().message;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(values_stand_behind_a_name_or_an_equals_sign_and_words_anywhere) {
  Program program;
  BOOST_TEST(program.parse({"--seed", "4294967295", "file", "--packets=18446744073709551615", "--loud", "--link", "raw", "--holder", "-3",
                              "--user", "4294967295"}) == "");
  BOOST_TEST((program.seed == 4294967295U && program.packets == UINT64_MAX && program.holder == -3 && program.loud));
  BOOST_TEST((program.out == "file" && program.link == Link::raw && program.user == UINT32_MAX));
}

BOOST_AUTO_TEST_CASE(what_is_not_named_keeps_its_value_and_the_last_of_several_counts) {
  Program program;
  BOOST_TEST(program.parse({"file", "--packets", "1", "--packets", "2"}) == "");
  BOOST_TEST((program.seed == 7U && program.packets == 2U && !program.loud && program.link == Link::ethernet && !program.user));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_and_what_was_wanted) {
  auto const said = [](std::vector<std::string> words) { return Program().parse(std::move(words)); };
  BOOST_TEST(said({}) == "OUT is missing");
  BOOST_TEST(said({"file", "other"}) == "'other' is not known here");
  BOOST_TEST(said({"file", "--sed", "1"}) == "'--sed' is not known here");
  BOOST_TEST(said({"file", "--seed"}) == "--seed: wanted: NUMBER");
  for (const char* number : {"4294967296", "-1", "1x", "", "0x10"})
    BOOST_TEST(said({"file", "--seed", number}) == fmt::format("--seed {}: wanted: NUMBER", number));
  BOOST_TEST(said({"file", "--loud=yes"}) == "--loud has no value");
  BOOST_TEST(said({"file", "--link", "token-ring"}) == "--link token-ring: wanted: ethernet|raw");
}

BOOST_AUTO_TEST_CASE(the_word_that_was_meant_is_the_nearest_with_a_letter_or_two_wrong) {
  std::vector<std::string_view> const known{"replay", "explain", "status", "stop", "--in", "--out"};
  BOOST_TEST(nearest_word("repaly", known) == "replay");
  BOOST_TEST(nearest_word("explian", known) == "explain");
  BOOST_TEST(nearest_word("stattus", known) == "status");
  BOOST_TEST(nearest_word("stp", known) == "stop");
  BOOST_TEST(nearest_word("--otu", known) == "--out");
  for (const char* far : {"frobnicate", "--foo", "x", "", "--config"}) BOOST_TEST(nearest_word(far, known) == "", far);
}
