// tests/differential/make_packets.cc: make-packets RULESET SEED OUT_DIR [fragments | fragments-of-clients | frames | odd]: packets that meet the rules of a ruleset, as
// OUT_DIR/lan.pcap, wan.pcap and dmz.pcap.
//
// Way     a conversation for each rule that compares anything, in turns until there are enough; a few are open at once.
// Names   each packet bears a number from 1 in the order of time (cases.h); fragments bear that of their packet.
// Time    of no matter but for its order: run-kernel sends as fast as it goes, and says when it did.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "common/packet/checksum.h"
#include "common/ruleset/compile/load.h"
#include "tests/differential/conversation.h"
#include "tests/differential/cut_packets.h"
#include "tests/differential/odd_packets.h"
#include "tests/tools/captures.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

constexpr uint64_t kGap_ns = 750'000;
constexpr size_t kPackets = 180, kEachMost = 14, kOpen = 4;
constexpr size_t kLink = 14;
/// Of topology.toml. What is larger by itself, ours takes for a frame that offloading made of several; the kernel is told of such.
constexpr std::array<size_t, kRouterSides.size()> kMtu{1500, 1500, 1300};

/// Which packets come in fragments. Where flows are translated, answers do not: run-kernel has to translate them.
struct Cuts {
  uint64_t seed;
  bool clients, servers;
  bool odd = false;  // none does, but their headers are odd
  [[nodiscard]] bool of(const CasePacket& packet) const { return packet.side == Side::lan ? clients : servers; }
};

/// What is no IP, between the packets.
Bytes stray(Random& random, uint32_t number) {
  Address const sender = address("10.0.0.7"), asked = address("10.9.9.9");
  switch (random.below(3)) {
    case 0: return arp(1, {2, 0, 0, 0, 0, 1}, sender, {}, asked);
    case 1: return arp(2, {2, 0, 0, 0, 0, 1}, sender.plus(number), {2, 0, 0, 0, 0, 2}, asked);
    default: return ethernet(pattern(46 + random.below(100)), 0x88b5);
  }
}

struct SidedFrame {
  size_t side;
  Bytes frame;
};

std::vector<Constants> rules_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  auto const read = ruleset::read_ruleset(path, text.str());
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

/// A checksum that is the sum of the pseudo-header alone, by chance, is half done to us and wrong to the kernel.
void spoil_half_done(Bytes& frame) {
  packet::Headers const headers = packet::parse(frame, static_cast<uint32_t>(frame.size()), packet::LinkType::ethernet);
  if (headers.shape != packet::Shape::ip || packet::verify_checksum(frame, headers) != packet::Checksum::partial) return;
  size_t const field = headers.tuple.protocol == packet::protocol::tcp ? 16 : headers.tuple.protocol == packet::protocol::icmpv6 ? 2 : 6;
  frame[headers.l4_offset + field] ^= 1;
}

/// Fragments of one packet come close together, but for some that come behind the next packets.
void add_cut(Random& random, std::multimap<uint64_t, SidedFrame>& frames, const SidedFrame& whole, uint64_t at_ns, bool honest) {
  std::vector<Bytes> const parts = cut(random, whole.frame, honest);
  bool const late = !honest && random.below(6) == 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    uint64_t const after_ns = late && i + 1 == parts.size() ? 2 * kGap_ns + kGap_ns / 2 : i * kGap_ns / (parts.size() + 1);
    frames.emplace(at_ns + after_ns, SidedFrame{whole.side, parts[i]});
  }
}

void write(const std::string& directory, std::vector<RoutedPacket> packets, const Cuts& cuts, bool strays) {
  std::multimap<uint64_t, SidedFrame> frames;
  Random random(cuts.seed);
  uint32_t number = 0;
  for (RoutedPacket& one : packets) {
    uint64_t const at_ns = capture_begin_ns + ++number * kGap_ns;
    if (cuts.of(one.packet)) enlarge(random, one.packet);
    Bytes frame = numbered(one.packet, number);
    spoil_half_done(frame);
    if (strays && number % 5 == 0) frames.emplace(at_ns, SidedFrame{one.side, stray(random, number)});
    if (cuts.odd) frame = odd(random, frame);
    if (cuts.of(one.packet)) add_cut(random, frames, {one.side, frame}, at_ns, !cuts.servers);
    else if (frame.size() <= kLink + kMtu.at(one.side)) frames.emplace(at_ns, SidedFrame{one.side, frame});
  }
  std::array<std::vector<Stamped>, kRouterSides.size()> sides;
  for (const auto& [at_ns, one] : frames) sides[one.side].push_back({at_ns, one.frame, 0});
  std::filesystem::create_directories(directory);
  for (size_t side = 0; side < sides.size(); ++side) {
    std::string const path = fmt::format("{}/{}.pcap", directory, kRouterSides[side]);
    auto const written = write_capture(path, Format::pcap, packet::LinkType::ethernet, sides[side]);
    if (!written) throw std::runtime_error(written.error().message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view const how = argc == 5 ? argv[4] : "";
  bool const cut = how.starts_with("fragments");
  if (argc != 4 && how != "fragments" && how != "fragments-of-clients" && how != "frames" && how != "odd") {
    fmt::print(stderr, "make-packets RULESET SEED OUT_DIR [fragments | fragments-of-clients | frames | odd]\n");
    return 2;
  }
  try {
    uint64_t const seed = std::stoull(argv[2]);
    write(argv[3], mixed(rules_of(argv[1]), seed), {seed + 1, cut, how == "fragments", how == "odd"}, how == "frames");
  } catch (const std::exception& error) {
    fmt::print(stderr, "make-packets: {}\n", error.what());
    return 1;
  }
  return 0;
}
