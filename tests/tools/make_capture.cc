// tests/tools/make_capture.cc: make-capture: writes captures for tests and measurements.
//
//   make-capture sample OUT_DIR
//   make-capture udp64 --flows 1024 --packets 1000000 --blocked-percent 10 --link sll2 --format pcapng OUT
//   make-capture hazards --seed 7 --packets 20000 OUT_DIR
//   make-capture mixed --seed 1 --packets 120000 OUT_DIR
#include <cstdio>
#include <filesystem>

#include "common/base/command_line.h"
#include "tests/tools/captures.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

enum class What { sample, udp64, hazards, mixed };

struct Settings {
  std::string out;
  Format format = Format::pcap;
  uint64_t seed = 1;
  uint64_t packets = 120'000;
  Udp64 udp64{};
};

void add_udp64(CommandLine& line, Udp64& udp64) {
  using packet::LinkType;
  line.add("--flows", udp64.flows, "Round-robin; 0: each packet begins a new flow");
  line.add("--packets", udp64.packets, "Packets", CommandLine::Need::required);
  line.add("--ports", udp64.ports, "Flows of an address, up to 64,512");
  line.add("--gap-ns", udp64.gap_ns, "Nanoseconds between packets");
  line.add("--blocked-percent", udp64.blocked_percent,
           "So many of 100 packets are of one more flow, source port 1024 + FLOWS");
  line.add("--link", udp64.link, "What a frame is",
           {{"ethernet", LinkType::ethernet}, {"raw", LinkType::raw_ip}, {"sll", LinkType::linux_cooked_v1}, {"sll2", LinkType::linux_cooked_v2}});
}

void add_options(CommandLine& line, What what, Settings& settings) {
  line.add("OUT", settings.out, what == What::udp64 ? "File" : "Folder for lan and wan", CommandLine::Need::required);
  line.add("--format", settings.format, "Of the files", {{"pcap", Format::pcap}, {"pcapng", Format::pcapng}});
  if (what == What::udp64) return add_udp64(line, settings.udp64);
  if (what == What::sample) return;
  line.add("--seed", settings.seed, "Chooses what comes");
  line.add("--packets", settings.packets, "Packets of both files together");
}

Status write_pair(const Settings& settings, const TwoSides& capture) {
  std::error_code error;
  std::filesystem::create_directories(settings.out, error);
  if (error) return fail("{}: {}", settings.out, error.message());
  return write_two_sides(settings.out, settings.format, capture);
}

Status write(What what, Settings& settings) {
  switch (what) {
    case What::sample: return write_pair(settings, sample_capture());
    case What::hazards: return write_pair(settings, hazards_capture(settings.seed, settings.packets));
    case What::mixed: return write_pair(settings, mixed_capture(settings.seed, settings.packets));
    case What::udp64: break;
  }
  settings.udp64.format = settings.format;
  return write_udp64(settings.out, settings.udp64);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  What what{};
  auto const words = std::span(argv, static_cast<size_t>(argc)).subspan(1);
  CommandLine commands("make-capture", "Writes captures for Bulkhead's tests: WHAT --help");
  commands.add("WHAT", what, "Small files with a bit of everything, 64-byte frames, what is hard for a tracker, conversations",
               {{"sample", What::sample}, {"udp64", What::udp64}, {"hazards", What::hazards}, {"mixed", What::mixed}},
               CommandLine::Need::required);
  if (auto const ended = commands.read(words.first(std::min<size_t>(words.size(), 1)))) return *ended;
  CommandLine line(fmt::format("make-capture {}", words[0]), "Writes captures for Bulkhead's tests");
  add_options(line, what, settings);
  if (auto const ended = line.read(words.subspan(1))) return *ended;
  auto const status = write(what, settings);
  if (status) return 0;
  std::fprintf(stderr, "make-capture: %s\n", status.error().message.c_str());
  return 1;
}
