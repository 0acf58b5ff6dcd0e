// tests/unit/rules_words_test.cc: errors in their words: who includes whom, what was meant, what a file is that cannot be read.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/near_miss.h"
#include "common/base/whole_file.h"
#include "common/ruleset/check/apply.h"
#include "common/ruleset/read/text.h"
#include "common/ruleset/write/print.h"

namespace bulkhead::test {
namespace {

namespace fs = std::filesystem;

struct Read {
  ruleset::Ruleset ruleset;
  ruleset::Sources sources;
  ruleset::Diagnostics diagnostics;

  explicit Read(std::string text, const ruleset::ReadOptions& options = {}) {
    static const ruleset::Registry registry(ruleset::all_modules());
    auto const index = sources.add("main", std::move(text));
    ruleset::apply(ruleset, ruleset::read_text(sources, index, registry, options, diagnostics), registry, diagnostics);
  }
  [[nodiscard]] std::string first() const { return diagnostics.any() ? ruleset::to_text(diagnostics.all().front(), sources) : std::string(); }
  [[nodiscard]] std::string line() const { return first().substr(0, first().find('\n')); }
};

/// A folder of its own, gone when the test is.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("bulkhead-words-{}", ::getpid())) { fs::create_directory(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string rule(const std::string& text) { return Read(fmt::format("table ip t {{\n chain c {{\n{}\n}}\n}}\n", text)).line(); }

BOOST_AUTO_TEST_CASE(an_error_in_an_included_file_names_the_files_that_include_it) {
  Folder const folder;
  std::string const inner = folder.write("inner", "table ip t {\n chain c {\n  tcp dport 70000\n }\n}\n");
  std::string const outer = folder.write("outer", fmt::format("\ninclude \"{}\"\n", inner));
  Read const read(fmt::format("include \"{}\"\n", outer));
  std::string const wanted = fmt::format("In file included from {}:2:1-{}:\n                 from main:1:1-{}:\n{}:3:13-17: Error: ", outer,
                                         inner.size() + 11, outer.size() + 11, inner);
  BOOST_TEST(read.first().starts_with(wanted), read.first());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_included_is_an_error_with_its_reason) {
  Folder const folder;
  BOOST_TEST(Read(fmt::format("include \"{}\"\n", folder.path())).line().ends_with("Is a directory"));
  BOOST_TEST(Read("include \"/dev/zero\"\n").line().find("larger than") != std::string::npos);
  BOOST_TEST(Read("include \"/proc/self/mem\"\n").line().find("Input/output error") != std::string::npos);
  BOOST_TEST(Read("include \"/nowhere\"\n").line().ends_with("File not found: /nowhere"));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_an_error_and_no_exception) {
  Folder const folder;
  BOOST_TEST(read_whole_file(folder.path(), 100).error().message == "Is a directory");
  BOOST_TEST(read_whole_file("/dev/zero", 100'000).error().message == "larger than 100000 bytes");
  BOOST_TEST(read_whole_file("/proc/self/mem", 100).error().message == "Input/output error");
  BOOST_TEST(read_whole_file(folder.path() + "/none", 100).error().message == "No such file or directory");
  BOOST_TEST(read_whole_file("/dev/null", 100).value() == "");
  BOOST_TEST(read_whole_file(folder.write("some", "text"), 4).value() == "text");
}

BOOST_AUTO_TEST_CASE(a_near_miss_says_what_was_meant) {
  BOOST_TEST(rule("ip sadr 192.0.2.1").ends_with("did you mean \"saddr\"?"));
  BOOST_TEST(rule("tpc dport 22").ends_with("did you mean \"tcp\"?"));
  BOOST_TEST(rule("tcp dport 22 acept").ends_with("did you mean \"accept\"?"));
  BOOST_TEST(rule("ct sate new").ends_with("did you mean \"state\"?"));
  BOOST_TEST(rule("ct state estabilshed accept").ends_with("did you mean \"established\"?"));
  BOOST_TEST(rule("log perfix \"x\"").ends_with("did you mean \"prefix\"?"));
  BOOST_TEST(rule("jump d").find("did you mean") == std::string::npos);
  BOOST_TEST(Read("table ip t {\n chian c {\n }\n}\n").line().ends_with("did you mean \"chain\"?"));
  BOOST_TEST(Read("table ip t {\n chain c {\n type filter hook forwrad priority 0\n }\n}\n").line().ends_with("did you mean \"forward\"?"));
  BOOST_TEST(Read("table ip t {\n set s {\n type ipv4_adr\n }\n}\n").line().ends_with("did you mean \"ipv4_addr\"?"));
  BOOST_TEST(Read("table ip t {\n set s {\n type ipv4_addr\n flags intervall\n }\n}\n").line().ends_with("did you mean \"interval\"?"));
}

BOOST_AUTO_TEST_CASE(a_word_that_is_near_to_none_suggests_none) {
  constexpr std::string_view kWords[] = {"saddr", "daddr"};
  BOOST_TEST(nearest_word("sadr", kWords) == "saddr");
  BOOST_TEST(nearest_word("asddr", kWords) == "saddr");
  BOOST_TEST(nearest_word("saddr", kWords) == "");
  BOOST_TEST(nearest_word("frobnicate", kWords) == "");
  BOOST_TEST(nearest_word(std::string(1000, 'x'), kWords) == "");
}

BOOST_AUTO_TEST_CASE(nat_without_to_and_its_kin_are_listed_with_it) {
  Read const read(
      "table inet t {\n chain p {\n  type nat hook prerouting priority dstnat\n  ip daddr 203.0.113.2 tcp dport 80 dnat to 192.0.2.6:8079\n"
      "  meta nfproto ipv4 tcp dport 22 dnat 192.0.2.6:22\n  meta nfproto ipv6 tcp dport 22 dnat [2001:db8::6]:22\n"
      "  ip protocol tcp th dport 81 dnat ip addr . port to 192.0.2.6 . 82\n  tcp dport 23 dnat :2323\n }\n}\n");
  BOOST_TEST_REQUIRE(read.first() == "");
  std::string const listing = ruleset::list_ruleset(read.ruleset, {});
  for (const char* line : {"ip daddr 203.0.113.2 tcp dport 80 dnat ip to 192.0.2.6:8079\n", "meta nfproto ipv4 tcp dport 22 dnat ip to 192.0.2.6:22\n",
                           "meta nfproto ipv6 tcp dport 22 dnat ip6 to [2001:db8::6]:22\n", "dnat ip to 192.0.2.6:82\n", "tcp dport 23 dnat to :2323\n"})
    BOOST_TEST(listing.find(line) != std::string::npos, listing);
}

BOOST_AUTO_TEST_CASE(classes_of_tc_are_words_and_no_ranges_of_ports) {
  Read const read("table ip t {\n map m {\n  type inet_service : classid\n  elements = { 80 : 1:10, 443 : cafe:1 }\n }\n chain c {\n"
                  "  meta priority set tcp dport map @m\n  meta priority set tcp sport map { 22 : 1:20, 23 : bcad:dadc }\n  meta priority aabb:0 accept\n }\n}\n");
  BOOST_TEST_REQUIRE(read.first() == "");
  std::string const listing = ruleset::list_ruleset(read.ruleset, {});
  BOOST_TEST(listing.find("80 : 1:10, 443 : cafe:1") != std::string::npos, listing);
  BOOST_TEST(listing.find("22 : 1:20, 23 : bcad:dadc") != std::string::npos, listing);
  BOOST_TEST(rule("tcp dport { 0:65535 } drop") != "");
}

}  // namespace
}  // namespace bulkhead::test
