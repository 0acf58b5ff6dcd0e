// tests/tools/captures.h: the captures that make-capture can make.
//
// Same    each depends on its arguments alone, byte for byte.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/tools/capture_file.h"
#include "tests/tools/conversations.h"

namespace bulkhead::test {

inline constexpr uint64_t capture_begin_ns = 1'700'000'000'000'000'000;

/// What comes in at each interface, in the order of its file. Where files are replayed together, packets with
/// equal stamps come in the order that the replay gives to its interfaces.
struct TwoSides {
  std::array<std::vector<Stamped>, 2> sides;  // by Side

  void add(Side side, Stamped packet) { sides[static_cast<size_t>(side)].push_back(std::move(packet)); }
  void add(uint64_t begin_ns, const Conversation& conversation) {
    for (const Event& event : conversation) add(event.side, {begin_ns + event.after_ns, event.frame, 0});
  }
  [[nodiscard]] size_t size() const { return sides[0].size() + sides[1].size(); }
};

/// A bit of everything, a few hundred packets, in order of time.
TwoSides sample_capture();

/// `packets` packets that are hard for a tracker: see hazards.cc. Stamps jump, backwards too.
TwoSides hazards_capture(uint64_t seed, size_t packets);

/// `packets` packets of many conversations at once, most of them ordinary, in order of time.
TwoSides mixed_capture(uint64_t seed, size_t packets);

/// OUT_DIR/lan.pcap and OUT_DIR/wan.pcap (or .pcapng).
Status write_two_sides(const std::string& directory, Format format, const TwoSides& capture);

struct Udp64 {
  uint64_t flows = 1;  // round-robin; 0: every packet is the first of a new flow
  uint64_t packets = 0;
  uint64_t ports = 60'000;  // of an address, from 1024 on; then comes the next address
  uint64_t gap_ns = 1000;
  uint64_t blocked_percent = 0;  // of the packets: these are of the flow behind the others, evenly among them
  Format format = Format::pcap;
  packet::LinkType link = packet::LinkType::ethernet;
};
/// IPv4 UDP packets of 50 bytes: frames of 64 bytes on Ethernet.
Status write_udp64(const std::string& path, const Udp64& plan);

}  // namespace bulkhead::test
