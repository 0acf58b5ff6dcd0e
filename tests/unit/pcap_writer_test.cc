// tests/unit/pcap_writer_test.cc: capture files and lines that pktio writes. (Part of the program pcap_test.)
#include "common/capture/pcap_writer.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "services/pktio/out/verdict_line.h"
#include "tests/unit/capture_bytes.h"

namespace bulkhead::pktio {
namespace {

class Memory : public capture::ByteConsumer {
 public:
  void append(std::span<const uint8_t> bytes) override { all.insert(all.end(), bytes.begin(), bytes.end()); }
  test::Bytes all;
};

std::vector<test::Captured> packets() {
  std::vector<test::Captured> out;
  for (uint32_t size : {0u, 1u, 64u, 1514u, 65'000u, 262'144u, 60u}) {
    out.push_back({uint64_t{1'700'000'000'000'000'000} + size, size + 7, test::pattern(size)});
  }
  return out;
}

void write(capture::PcapWriter& writer, const test::Captured& packet) {
  writer.packet(packet.stamp_ns, static_cast<uint32_t>(packet.bytes.size()), packet.wire, packet.bytes.data());
}

std::string line(const VerdictLine& verdict, size_t room = verdict_line_max) {
  std::string text(room, '?');
  text.resize(format_verdict_line(text, verdict));
  return text;
}

const VerdictLine accepted{17, "lan", 1'700'000'000'000'123'456, "accept", "wan", "", "new"};

}  // namespace

BOOST_AUTO_TEST_CASE(capture_is_written_as_the_format_says) {
  for (packet::LinkType link :
       {packet::LinkType::ethernet, packet::LinkType::raw_ip, packet::LinkType::linux_cooked_v1, packet::LinkType::linux_cooked_v2}) {
    Memory memory;
    auto writer = capture::PcapWriter::open(memory, link, true);
    BOOST_REQUIRE(writer);
    for (const auto& packet : packets()) write(**writer, packet);
    BOOST_REQUIRE((*writer)->flush());
    BOOST_CHECK(memory.all ==
                test::pcap_file(packets(), {.link = static_cast<uint32_t>(packet::linktype_number(link))}));
  }
}

BOOST_AUTO_TEST_CASE(header_comes_with_the_first_flush_and_only_if_fresh) {
  Memory fresh, later;
  auto first = capture::PcapWriter::open(fresh, packet::LinkType::ethernet, true),
       second = capture::PcapWriter::open(later, packet::LinkType::ethernet, false);
  BOOST_REQUIRE((first && second));
  BOOST_TEST(fresh.all.empty());
  BOOST_REQUIRE(((*first)->flush() && (*second)->flush()));
  BOOST_TEST(fresh.all.size() == 24u);
  BOOST_TEST(later.all.empty());
}

BOOST_AUTO_TEST_CASE(successor_continues_behind_what_was_flushed) {
  const auto all = packets();
  for (size_t flushed = 0; flushed <= all.size(); ++flushed) {
    Memory memory;
    {
      auto writer = capture::PcapWriter::open(memory, packet::LinkType::ethernet, true);
      for (size_t i = 0; i < flushed; ++i) write(**writer, all[i]);
      BOOST_REQUIRE((*writer)->flush());
      (*writer)->packet(1, 1, 1, all[1].bytes.data());  // never flushed: never emitted
    }
    auto writer = capture::PcapWriter::open(memory, packet::LinkType::ethernet, false);
    for (size_t i = flushed; i < all.size(); ++i) write(**writer, all[i]);
    BOOST_REQUIRE((*writer)->flush());
    BOOST_CHECK(memory.all == test::pcap_file(all));
  }
}

BOOST_AUTO_TEST_CASE(verdict_lines_are_exactly_these) {
  BOOST_TEST(line(accepted) ==
             "{\"n\":17,\"in\":\"lan\",\"time\":\"1700000000.000123456\",\"verdict\":\"accept\",\"out\":"
             "\"wan\",\"state\":\"new\"}\n");
  BOOST_TEST(line({18, "wan", 5, "drop", "", "malformed", "invalid"}) ==
             "{\"n\":18,\"in\":\"wan\",\"time\":\"0.000000005\",\"verdict\":\"drop\",\"reason\":"
             "\"malformed\",\"state\":\"invalid\"}\n");
}

BOOST_AUTO_TEST_CASE(interface_names_are_escaped_in_verdict_lines) {
  VerdictLine odd = accepted;
  odd.in = "a\"b\\c\n\x01\xc3\xa9";
  BOOST_TEST(line(odd).find("\"in\":\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\",") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(verdict_line_fits_whole_or_not_at_all) {
  const std::string whole = line(accepted);
  for (size_t room = 0; room < whole.size() + 2; ++room) {
    BOOST_TEST(line(accepted, room) == (room < whole.size() ? "" : whole));
  }
  const std::string names(21, '\x02');
  BOOST_TEST(!line({UINT64_MAX, names, UINT64_MAX, "accept", names, names, "untracked"}).empty());
}

}  // namespace bulkhead::pktio
