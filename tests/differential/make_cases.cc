// tests/differential/make_cases.cc: make-cases FIRST COUNT OUT_DIR: the cases of so many seeds, mixed, as OUT_DIR/lan.pcap
// and OUT_DIR/wan.pcap.
//
// Names   each packet bears a number from 1 in the order of time: IPv4 identification, IPv6 flow label.
// Time    a microsecond apart, so that the order is the only thing that counts.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>

#include "tests/differential/cases.h"
#include "tests/tools/captures.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

constexpr uint64_t kGap = 1000;
constexpr uint32_t kMostPackets = 65'535;

/// One packet at a time of any of the cases that are open, a few dozen at once.
TwoSides mixed(uint64_t first, uint64_t count) {
  TwoSides capture;
  Random random(first);
  struct Open {
    Case packets;
    size_t at;
  };
  std::vector<Open> open;
  uint32_t number = 0;
  for (uint64_t next = first; next < first + count || !open.empty();) {
    while (open.size() < 24 && next < first + count) open.push_back({any_case(next++), 0});
    size_t const i = random.below(static_cast<uint32_t>(open.size()));
    Open& one = open[i];
    if (one.at < one.packets.size() && number < kMostPackets) {
      const CasePacket& packet = one.packets[one.at++];
      ++number;
      capture.add(packet.side, {capture_begin_ns + number * kGap, numbered(packet, number), 0});
    } else {
      open.erase(open.begin() + static_cast<ptrdiff_t>(i));
    }
  }
  return capture;
}

bool number_of(const char* text, uint64_t& value) {
  std::string_view const all(text);
  auto const [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
  return error == std::errc{} && end == all.data() + all.size();
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t first = 0, count = 0;
  if (argc != 4 || !number_of(argv[1], first) || !number_of(argv[2], count)) {
    fmt::print(stderr, "make-cases FIRST COUNT OUT_DIR\n");
    return 2;
  }
  std::filesystem::create_directories(argv[3]);
  TwoSides const capture = mixed(first, count);
  if (auto written = write_two_sides(argv[3], Format::pcap, capture); !written) {
    fmt::print(stderr, "{}\n", written.error().message);
    return 1;
  }
  fmt::print("{} packets\n", capture.size());
  return 0;
}
