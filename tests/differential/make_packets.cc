// tests/differential/make_packets.cc: make-packets RULESET SEED OUT_DIR: packets that meet the rules of a ruleset, as
// OUT_DIR/lan.pcap, wan.pcap and dmz.pcap.
//
// Way     a conversation for each rule that compares anything, in turns until there are enough; a few are open at once.
// Names   each packet bears a number from 1 in the order of time (cases.h).
// Time    all within an eighth of a second, so that a slow run too ends before a peer gains an ICMP error (run_kernel.cc); far
//         enough apart for the limit that all peers share.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/rules/load.h"
#include "tests/differential/conversation.h"
#include "tests/tools/captures.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

constexpr uint64_t kGap_ns = 500'000;
constexpr size_t kPackets = 260, kEachMost = 14, kOpen = 4;

std::vector<Constants> rules_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  auto const read = rules::read_ruleset(path, text.str());
  if (!read) throw std::runtime_error(read.error().message);
  std::vector<Constants> all = constants_of(*read);
  all.emplace_back();  // and somebody whom no rule names
  return all;
}

std::vector<RoutedPacket> mixed(const std::vector<Constants>& rules, uint64_t seed) {
  Random random(seed);
  struct Open {
    std::vector<RoutedPacket> packets;
    size_t at = 0;
  };
  std::vector<Open> open;
  std::vector<RoutedPacket> all;
  for (size_t next = random.below(static_cast<uint32_t>(rules.size())); all.size() < kPackets;) {
    while (open.size() < kOpen) open.push_back({conversation(random, rules[next++ % rules.size()], kEachMost)});
    auto const one = open.begin() + random.below(kOpen);
    if (one->at == one->packets.size()) open.erase(one);
    else all.push_back(std::move(one->packets[one->at++]));
  }
  return all;
}

void write(const std::string& directory, const std::vector<RoutedPacket>& packets) {
  std::array<std::vector<Stamped>, kRouterSides.size()> sides;
  uint32_t number = 0;
  for (const RoutedPacket& one : packets) {
    ++number;
    sides[one.side].push_back({capture_begin_ns + number * kGap_ns, numbered(one.packet, number), 0});
  }
  std::filesystem::create_directories(directory);
  for (size_t side = 0; side < sides.size(); ++side) {
    std::string const path = fmt::format("{}/{}.pcap", directory, kRouterSides[side]);
    auto const written = write_capture(path, Format::pcap, LinkType::ethernet, sides[side]);
    if (!written) throw std::runtime_error(written.error().message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "make-packets RULESET SEED OUT_DIR\n");
    return 2;
  }
  try {
    write(argv[3], mixed(rules_of(argv[1]), std::stoull(argv[2])));
  } catch (const std::exception& error) {
    fmt::print(stderr, "make-packets: {}\n", error.what());
    return 1;
  }
  return 0;
}
