// Captures that are cut, damaged, of an unknown kind or full of nonsense: what can be read goes through, the rest gets
// an error that names file and packet.
#define BOOST_TEST_MODULE bad_input
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>

#include "tests/replay/replay_lab.h"
#include "tests/unit/capture_bytes.h"

using namespace bulkhead;
using namespace bulkhead::test;

namespace {

constexpr size_t kFileHeader = 24, kRecordHeader = 16, kLengthAt = 8;  // bytes, of pcap
constexpr size_t kGood = 1000;                                         // packets before the one that is bad

/// Where record `number`, from 1, of a pcap file begins.
size_t record_at(const std::string& file, size_t number) {
  size_t at = kFileHeader;
  for (; number > 1; --number) {
    uint32_t length = 0;
    std::memcpy(&length, file.data() + at + kLengthAt, sizeof length);
    at += kRecordHeader + length;
  }
  return at;
}

struct BadLab : ReplayLab {
  BadLab() : captures(make_capture({"mixed", "--seed", "3", "--packets", "6000", "in"})) {}

  [[nodiscard]] std::string lan() const { return captures + "/lan.pcap"; }
  void spoil_lan(const std::function<void(std::string&)>& spoil) const {
    std::string bytes = read_file(lan());
    spoil(bytes);
    write_file(lan(), bytes);
  }
  /// A replay of both sides ends with 2 and these words in its text; the other side is all there.
  void complains(const std::vector<std::string>& about, size_t lan_packets) {
    auto const ran = run(replay_two(captures, path("out"), {"--run", run_dir()}));
    BOOST_TEST(ran.status == 2, ran.text);
    for (const auto& words : about)
      BOOST_TEST(ran.text.find(words) != std::string::npos, words << " is not in: " << ran.text);
    BOOST_TEST(account_two(captures, path("out"), false) == "");
    BOOST_TEST(came_in("lan") == lan_packets);
    BOOST_TEST(came_in("wan") == read_capture(captures + "/wan.pcap").packets.size());
    BOOST_TEST(!read_file(path("out/conntrack.txt")).empty());
    BOOST_TEST(nothing_left());
  }
  [[nodiscard]] size_t came_in(const std::string& name) const {
    std::string const text = read_file(path("out/verdicts.jsonl")), in = "\"in\":\"" + name + "\"";
    size_t count = 0;
    for (size_t at = text.find(in); at != std::string::npos; at = text.find(in, at + 1)) ++count;
    return count;
  }

  std::string captures;
};

const std::string kBadPacket = "packet " + std::to_string(kGood + 1) + ": ";

}  // namespace

BOOST_AUTO_TEST_CASE(a_capture_cut_within_a_packet_is_processed_up_to_it) {
  BadLab lab;
  lab.spoil_lan([](std::string& bytes) { bytes.resize(record_at(bytes, kGood + 1) + kRecordHeader + 5); });
  lab.complains({lab.lan() + ": " + kBadPacket, "truncated"}, kGood);
}

BOOST_AUTO_TEST_CASE(a_capture_cut_within_a_record_header_is_processed_up_to_it) {
  BadLab lab;
  lab.spoil_lan([](std::string& bytes) { bytes.resize(record_at(bytes, kGood + 1) + 7); });
  lab.complains({lab.lan() + ": " + kBadPacket, "truncated"}, kGood);
}

BOOST_AUTO_TEST_CASE(a_packet_with_an_impossible_length_ends_the_capture) {
  BadLab lab;
  lab.spoil_lan([](std::string& bytes) {
    std::memset(bytes.data() + record_at(bytes, kGood + 1) + kLengthAt, 0xff, 4);
  });
  lab.complains({lab.lan() + ": " + kBadPacket}, kGood);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_capture_is_named) {
  for (size_t bytes : {size_t{0}, size_t{3}, size_t{1000}}) {
    BadLab lab;
    lab.spoil_lan([&](std::string& text) { text.assign(bytes, 'x'); });
    lab.complains({lab.lan() + ": ", "not a capture file"}, 0);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_link_type_is_named) {
  BadLab lab;
  lab.spoil_lan([](std::string& bytes) { bytes[20] = static_cast<char>(147); });
  lab.complains({lab.lan() + ": packet 1: ", "link type 147"}, 0);
}

BOOST_AUTO_TEST_CASE(two_sides_of_different_link_types_leave_as_ethernet_and_the_summary_says_so) {
  BadLab lab;
  auto const raw = lab.make_capture({"udp64", "--packets", "100", "--link", "raw", "raw.pcap"});
  auto const ran = lab.run(ReplayLab::replay({"lan=" + lab.lan(), "wan=" + raw}, lab.path("out")));
  BOOST_TEST(ran.status == 0, ran.text);
  BOOST_TEST(ran.text.find("what leaves is Ethernet") != std::string::npos, ran.text);
  BOOST_TEST(lab.came_in("lan") == read_capture(lab.lan()).packets.size());
  BOOST_TEST(lab.came_in("wan") == 100U);
  auto const left = read_capture(lab.path("out/lan.pcap")), came = read_capture(raw);
  BOOST_TEST(left.link == 1);
  BOOST_REQUIRE(left.packets.size() == 100U);
  for (size_t i = 0; i < left.packets.size(); ++i)
    BOOST_TEST((left.packets[i].bytes.substr(14) == came.packets[i].bytes));
}

BOOST_AUTO_TEST_CASE(a_cut_pcapng_is_processed_up_to_the_cut) {
  ReplayLab lab;
  auto const whole = lab.make_capture({"udp64", "--packets", "3000", "--format", "pcapng", "in.pcapng"});
  std::string const bytes = read_file(whole);
  std::string const cut = lab.path("cut.pcapng");
  write_file(cut, bytes.substr(0, bytes.size() / 2));
  auto const readable = read_capture(cut).packets.size();
  auto const ran = lab.run(ReplayLab::replay({"lan=" + cut}, lab.path("out")));
  BOOST_TEST(ran.status == 2, ran.text);
  BOOST_TEST(ran.text.find(cut + ": packet " + std::to_string(readable + 1) + ": ") != std::string::npos, ran.text);
  BOOST_TEST(account({{"lan", cut}}, lab.path("out"), true) == "");
}

BOOST_AUTO_TEST_CASE(an_input_whose_both_sides_are_bad_gets_both_errors) {
  BadLab lab;
  lab.spoil_lan([](std::string& bytes) { bytes.resize(record_at(bytes, 11) + 7); });
  std::string const wan = lab.captures + "/wan.pcap";
  write_file(wan, "no");
  lab.complains({lab.lan() + ": packet 11: ", wan + ": not a capture file"}, 10);
}

BOOST_AUTO_TEST_CASE(nonsense_is_dropped_as_invalid_with_a_reason_and_crashes_nobody) {
  ReplayLab lab;
  Random random(5);
  std::vector<Captured> packets;
  for (uint64_t i = 0; i < 20'000; ++i) {
    Bytes bytes(random.below(200));
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random.next());
    if (bytes.size() > 16 && random.below(4) != 0) {  // something that looks like IP at first
      bool const v6 = random.below(2) == 0;
      bytes[12] = v6 ? 0x86 : 0x08, bytes[13] = v6 ? 0xdd : 0x00;
      bytes[14] = static_cast<uint8_t>((v6 ? 0x60 : 0x40) | random.below(16));
    }
    packets.push_back({1'700'000'000'000'000'000 + i, static_cast<uint32_t>(bytes.size()) + random.below(3), bytes});
  }
  Bytes const file = pcap_file(packets);
  std::string const in = lab.path("nonsense.pcap");
  write_file(in, std::string(file.begin(), file.end()));
  auto const ran = lab.run(ReplayLab::replay({"lan=" + in}, lab.path("out"), {"--verbose"}));
  BOOST_TEST(ran.status == 0, ran.text);
  BOOST_TEST(ran.text.find("was ended by signal") == std::string::npos, ran.text);
  BOOST_TEST(account({{"lan", in}}, lab.path("out"), true) == "");
  auto const why = reasons(lab.path("out/verdicts.jsonl"));
  for (const char* reason : {"short_link", "short_ip", "bad_header_length", "bad_total_length"})
    BOOST_TEST(why.contains(reason), reason << " never came");
  std::istringstream lines(read_file(lab.path("out/verdicts.jsonl")));
  for (std::string line; std::getline(lines, line);)
    if (line.find("\"drop\"") != std::string::npos)
      BOOST_REQUIRE_MESSAGE(line.find("\"state\":\"invalid\"") != std::string::npos, line);
}
