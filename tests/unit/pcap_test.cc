// tests/unit/pcap_test.cc: capture files as sources: formats, waiting, resuming, and files that are broken.
#define BOOST_TEST_MODULE pcap
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/pktio/in/pcap_source.h"
#include "tests/unit/capture_bytes.h"

namespace bulkhead::pktio {

std::ostream& operator<<(std::ostream& out, Source::State state) { return out << static_cast<int>(state); }

namespace {

using test::Bytes;
using test::Captured;
using test::MemoryFile;
using State = Source::State;

/// What a source gave until it ended or failed.
struct Run {
  std::vector<Captured> packets;
  std::vector<Position> positions;  // of each packet, and behind the last
  State last = State::ended;
  std::string error;
};

Result<std::unique_ptr<PcapSource>> open(const MemoryFile& file, const PcapSource::Options& options = {}) {
  return PcapSource::open(std::make_unique<PreadFile>(file.fd()), options);
}

/// `hold`, if given, completes the reads that the source waits for.
Run drain(Source& source, HeldFile* hold = nullptr, uint64_t most = UINT64_MAX) {
  Run run;
  Arrival arrival{};
  for (;;) {
    run.last = source.peek(arrival);
    if (run.last == State::waiting) {
      BOOST_REQUIRE(hold != nullptr && hold->held());
      hold->complete(most);
      continue;
    }
    if (run.last != State::ready) break;
    BOOST_REQUIRE(arrival.packet == source.position().packets + 1);
    run.packets.push_back(
        {arrival.stamp_ns, arrival.wire, Bytes(arrival.bytes, arrival.bytes + arrival.captured)});
    run.positions.push_back(source.position());
    source.advance();
  }
  run.positions.push_back(source.position());
  if (run.last == State::failed) run.error = source.error().message;
  return run;
}

Run read_all(const Bytes& contents, const PcapSource::Options& options = {}) {
  const MemoryFile file(contents);
  auto source = open(file, options);
  if (source) return drain(**source);
  Run run;
  run.last = State::failed;
  run.error = source.error().message;
  return run;
}

std::vector<Captured> some_packets(size_t count, uint32_t size_limit = 1500) {
  test::Random random(count);
  std::vector<Captured> packets;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t size = random.below(size_limit);
    packets.push_back({1'700'000'000'000'000'000 + i * 1'001'000, size + random.below(3),
                       test::pattern(size, static_cast<uint8_t>(i))});
  }
  return packets;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(every_format_gives_the_same_packets) {
  const auto packets = some_packets(50);
  for (bool big : {false, true}) {
    for (bool nano : {false, true}) {
      const Run run = read_all(test::pcap_file(packets, {.big_endian = big, .nanoseconds = nano}));
      BOOST_TEST((run.last == State::ended));
      BOOST_CHECK(run.packets == packets);  // the stamps are whole microseconds
    }
    const Run run = read_all(test::pcapng_file(packets, big));
    BOOST_TEST((run.last == State::ended));
    BOOST_CHECK(run.packets == packets);
  }
}

BOOST_AUTO_TEST_CASE(stamps_are_unsigned_seconds_with_all_nanoseconds) {
  const std::vector<Captured> packets = {
      {4'294'967'295'123'456'789, 1, {1}}, {0, 1, {2}}, {1'700'000'000'000'000'001, 1, {3}}};
  BOOST_CHECK(read_all(test::pcap_file(packets)).packets == packets);
  BOOST_CHECK(read_all(test::pcapng_file(packets, false)).packets == packets);
}

BOOST_AUTO_TEST_CASE(wire_length_is_never_below_captured) {
  const Run run = read_all(test::pcap_file({{0, 3, Bytes(10)}}));
  BOOST_REQUIRE(run.packets.size() == 1u);
  BOOST_TEST(run.packets[0].wire == 10u);
}

BOOST_AUTO_TEST_CASE(peek_gives_the_same_packet_until_advance) {
  const MemoryFile file(test::pcap_file(some_packets(2)));
  auto source = open(file);
  BOOST_REQUIRE(source);
  Arrival first{}, again{};
  BOOST_TEST(((*source)->peek(first) == State::ready));
  BOOST_TEST(((*source)->peek(again) == State::ready));
  BOOST_TEST(first.packet == again.packet);
  BOOST_TEST(first.bytes == again.bytes);
  (*source)->advance();
  BOOST_TEST(((*source)->peek(again) == State::ready));
  BOOST_TEST(again.packet == 2u);
}

BOOST_AUTO_TEST_CASE(source_waits_for_reads_that_complete_late_or_in_part) {
  const auto packets = some_packets(2000, 5000);
  for (bool pcapng : {false, true}) {
    const MemoryFile file(pcapng ? test::pcapng_file(packets, false) : test::pcap_file(packets));
    for (uint64_t most : {uint64_t{UINT64_MAX}, uint64_t{100'000}, uint64_t{4097}}) {
      auto held = std::make_unique<HeldFile>(file.fd());
      HeldFile* hold = held.get();
      auto source = PcapSource::open(std::move(held), {});
      BOOST_REQUIRE(source);
      Arrival arrival{};
      BOOST_TEST(((*source)->peek(arrival) == State::waiting));
      BOOST_TEST(((*source)->peek(arrival) == State::waiting));
      const Run run = drain(**source, hold, most);
      BOOST_TEST((run.last == State::ended));
      BOOST_CHECK(run.packets == packets);
    }
  }
}

BOOST_AUTO_TEST_CASE(source_may_go_away_with_a_read_under_way) {
  const MemoryFile file(test::pcap_file(some_packets(100)));
  auto source = PcapSource::open(std::make_unique<HeldFile>(file.fd()), {});
  BOOST_REQUIRE(source);
  Arrival arrival{};
  BOOST_TEST(((*source)->peek(arrival) == State::waiting));
}

BOOST_AUTO_TEST_CASE(successor_peeks_the_packet_that_was_not_advanced_past) {
  const auto packets = some_packets(40);
  const Bytes files[] = {test::pcap_file(packets),
                         test::pcap_file(packets, {.big_endian = true, .nanoseconds = false}),
                         test::pcapng_file(packets, false)};
  for (const Bytes& contents : files) {
    const Run whole = read_all(contents);
    BOOST_REQUIRE(whole.positions.size() == packets.size() + 1);
    for (size_t i = 0; i <= packets.size(); ++i) {
      const Run rest = read_all(contents, {.from = whole.positions[i]});
      BOOST_TEST((rest.last == State::ended));
      BOOST_CHECK(std::equal(rest.packets.begin(), rest.packets.end(),
                             packets.begin() + static_cast<std::ptrdiff_t>(i), packets.end()));
      BOOST_CHECK(std::equal(rest.positions.begin(), rest.positions.end(),
                             whole.positions.begin() + static_cast<std::ptrdiff_t>(i),
                             whole.positions.end()));
    }
  }
}

BOOST_AUTO_TEST_CASE(resuming_pcapng_says_that_it_is_alive) {
  const auto packets = some_packets(10'000, 20);
  int calls = 0;
  const Run run =
      read_all(test::pcapng_file(packets, false), {.from = {9'999, 1}, .still_alive = [&] { ++calls; }});
  BOOST_TEST(run.packets.size() == 1u);
  BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_CASE(position_that_the_file_does_not_have_is_refused_or_ends) {
  const auto packets = some_packets(3);
  BOOST_TEST(
      contains(read_all(test::pcapng_file(packets, false), {.from = {4, 1}}).error, "file ends before"));
  BOOST_TEST(contains(read_all(test::pcap_file(packets), {.from = {1, 23}}).error, "byte 23"));
  BOOST_TEST((read_all(test::pcap_file(packets), {.from = {4, 1'000'000}}).last == State::ended));
}

BOOST_AUTO_TEST_CASE(file_cut_anywhere_gives_its_whole_packets_first) {
  const auto packets = some_packets(5, 40);
  for (bool pcapng : {false, true}) {
    const Bytes contents = pcapng ? test::pcapng_file(packets, false) : test::pcap_file(packets);
    const Run whole = read_all(contents);
    for (size_t size = 0; size < contents.size(); ++size) {
      const Run run = read_all(Bytes(contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(size)));
      size_t fit = 0;
      while (fit < packets.size() && whole.positions[fit + 1].offset <= size) ++fit;
      BOOST_CHECK(std::equal(run.packets.begin(), run.packets.end(), packets.begin(),
                             packets.begin() + static_cast<std::ptrdiff_t>(fit)));
      const bool at_boundary = whole.positions[fit].offset == size;
      BOOST_TEST((run.last == (at_boundary ? State::ended : State::failed)));
      if (at_boundary || size < whole.positions[0].offset) continue;
      BOOST_TEST(run.error.starts_with("packet " + std::to_string(fit + 1) + ": truncated"), run.error);
    }
  }
}

BOOST_AUTO_TEST_CASE(files_without_packets_end_or_are_no_captures) {
  BOOST_TEST((read_all(test::pcap_file({})).last == State::ended));
  BOOST_TEST((read_all(test::pcapng_file({}, true)).last == State::ended));
  BOOST_TEST(contains(read_all({}).error, "not a capture file"));
  BOOST_TEST(contains(read_all(Bytes(1000, 'x')).error, "not a capture file"));
}

BOOST_AUTO_TEST_CASE(link_types_are_known_or_refused_by_name) {
  const MemoryFile raw(test::pcap_file({}, {.link = 101}));
  auto source = open(raw);
  BOOST_REQUIRE(source);
  BOOST_CHECK((*source)->link() == packet::LinkType::raw_ip);
  BOOST_TEST(contains(read_all(test::pcap_file({}, {.link = 105})).error, "packet 1: link type 105 (IEEE802_11)"));
}

BOOST_AUTO_TEST_CASE(largest_packets_pass_and_larger_ones_fail) {
  const std::vector<Captured> packets = {{1'000, 262144, test::pattern(262144)},
                                         {2'000, 262144, test::pattern(262144, 9)},
                                         {3'000, 5, Bytes(5)}};
  BOOST_CHECK(read_all(test::pcap_file(packets, {.snaplen = 0x7fffffff})).packets == packets);
  BOOST_CHECK(read_all(test::pcapng_file(packets, false)).packets == packets);
  const Run limited =
      read_all(test::pcap_file({{0, 9000, Bytes(9000)}, {0, 9001, Bytes(9001)}}), {.frame_limit = 9000});
  BOOST_TEST(limited.packets.size() == 1u);
  BOOST_TEST(limited.error == "packet 2: 9001 bytes captured, want at most 9000");
  const Run over = read_all(test::pcap_file({{0, 262145, Bytes(262145)}}, {.snaplen = 0x7fffffff}));
  BOOST_TEST(contains(over.error, "packet 1: "), over.error);
}

BOOST_AUTO_TEST_CASE(packets_above_their_files_snaplen_are_cut_and_positions_stay_right) {
  const auto packets = some_packets(20, 400);
  const Bytes contents = test::pcap_file(packets, {.snaplen = 96});
  const Run whole = read_all(contents);
  BOOST_REQUIRE(whole.packets.size() == packets.size());
  for (size_t i = 0; i < packets.size(); ++i) {
    BOOST_TEST(whole.packets[i].bytes.size() == std::min<size_t>(96, packets[i].bytes.size()));
    BOOST_CHECK(read_all(contents, {.from = whole.positions[i]}).packets.size() == packets.size() - i);
  }
}

BOOST_AUTO_TEST_CASE(giant_pcapng_block_between_packets_is_read_by_blocking) {
  const auto packets = some_packets(3000);
  const Bytes giant = test::pcapng_block(false, 0x0bad, Bytes(5'000'000, 7));
  const MemoryFile file(test::pcapng_file(packets, false, giant));
  auto held = std::make_unique<HeldFile>(file.fd());
  HeldFile* hold = held.get();
  auto source = PcapSource::open(std::move(held), {});
  BOOST_REQUIRE(source);
  const Run run = drain(**source, hold, 70'000);
  BOOST_TEST((run.last == State::ended), run.error);
  BOOST_CHECK(run.packets == packets);
}

BOOST_AUTO_TEST_CASE(read_error_comes_after_what_was_readable) {
  class Bad : public PreadFile {
   public:
    using PreadFile::PreadFile;
    int64_t read_now(std::span<uint8_t> into, uint64_t offset) override {
      if (offset >= 600'000) return -EIO;
      return PreadFile::read_now(into.first(std::min<uint64_t>(into.size(), 600'000 - offset)), offset);
    }
  };
  const auto packets = some_packets(2000);
  const MemoryFile file(test::pcap_file(packets));
  auto source = PcapSource::open(std::make_unique<Bad>(file.fd()), {});
  BOOST_REQUIRE(source);
  const Run run = drain(**source);
  BOOST_TEST((run.last == State::failed));
  BOOST_TEST(run.packets.size() > 500u);
  BOOST_TEST(run.positions.back().offset <= 600'000u);
  BOOST_TEST(run.positions.back().offset + 1516 > 600'000u);
  BOOST_TEST(run.error.starts_with("packet " + std::to_string(run.packets.size() + 1) + ": "), run.error);
}

BOOST_AUTO_TEST_CASE(corrupt_files_end_or_fail_and_harm_nothing) {
  test::Random random(7);
  const auto packets = some_packets(20, 100);
  const Bytes files[] = {test::pcap_file(packets), test::pcap_file(packets, {.big_endian = true}),
                         test::pcapng_file(packets, false), test::pcapng_file(packets, true)};
  for (int round = 0; round < 4000; ++round) {
    Bytes contents = files[random.below(4)];
    for (uint32_t i = 1 + random.below(4); i > 0; --i) {
      const uint32_t reach = random.below(2) == 0 ? 60 : static_cast<uint32_t>(contents.size());
      contents[random.below(reach)] = static_cast<uint8_t>(random.next());
    }
    const Run run = read_all(contents);
    BOOST_TEST((run.last != State::ready && run.last != State::waiting));
  }
}

}  // namespace bulkhead::pktio
