// tests/tools/make_capture.cc: make-capture: writes captures for tests and measurements.
//
//   make-capture sample OUT_DIR
//   make-capture udp64 --flows 1024 --packets 1000000 --link sll2 --format pcapng OUT
//   make-capture hazards --seed 7 --packets 20000 OUT_DIR
//   make-capture mixed --seed 1 --packets 120000 OUT_DIR
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>

#include "tests/tools/captures.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::test;

const std::map<std::string, Format> formats = {{"pcap", Format::pcap}, {"pcapng", Format::pcapng}};
const std::map<std::string, packet::LinkType> links = {{"ethernet", packet::LinkType::ethernet},
                                               {"raw", packet::LinkType::raw_ip},
                                               {"sll", packet::LinkType::linux_cooked_v1},
                                               {"sll2", packet::LinkType::linux_cooked_v2}};

struct Settings {
  std::string out;
  Format format = Format::pcap;
  uint64_t seed = 1;
  uint64_t packets = 120'000;
  Udp64 udp64{};
};

void add_common(CLI::App* command, Settings& settings, const char* what) {
  command->add_option("OUT", settings.out, what)->required();
  command->add_option("--format", settings.format, "pcap or pcapng")
      ->transform(CLI::CheckedTransformer(formats));
}

void add_random(CLI::App* command, Settings& settings) {
  command->add_option("--seed", settings.seed, "Chooses what comes");
  command->add_option("--packets", settings.packets, "Packets of both files together");
}

void add_udp64(CLI::App* command, Settings& settings) {
  command->add_option("--flows", settings.udp64.flows, "Round-robin; 0: each packet begins a new flow");
  command->add_option("--packets", settings.udp64.packets, "Packets")->required();
  command->add_option("--gap-ns", settings.udp64.gap_ns, "Nanoseconds between packets");
  command->add_option("--link", settings.udp64.link, "ethernet, raw, sll or sll2")
      ->transform(CLI::CheckedTransformer(links));
}

Status write_pair(const Settings& settings, const TwoSides& capture) {
  std::error_code error;
  std::filesystem::create_directories(settings.out, error);
  if (error) return fail("{}: {}", settings.out, error.message());
  return write_two_sides(settings.out, settings.format, capture);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Writes captures for Bulkhead's tests");
  app.require_subcommand(1);
  CLI::App* sample = app.add_subcommand("sample", "Two small files with a bit of everything");
  CLI::App* udp64 = app.add_subcommand("udp64", "One file of 64-byte UDP frames");
  CLI::App* hazards = app.add_subcommand("hazards", "Two files that are hard for a tracker");
  CLI::App* mixed = app.add_subcommand("mixed", "Two files of many conversations");
  for (CLI::App* command : {sample, hazards, mixed}) add_common(command, settings, "Folder for lan and wan");
  for (CLI::App* command : {hazards, mixed}) add_random(command, settings);
  add_common(udp64, settings, "File");
  add_udp64(udp64, settings);
  CLI11_PARSE(app, argc, argv);

  Status status;
  if (*sample) status = write_pair(settings, sample_capture());
  if (*hazards) status = write_pair(settings, hazards_capture(settings.seed, settings.packets));
  if (*mixed) status = write_pair(settings, mixed_capture(settings.seed, settings.packets));
  if (*udp64) {
    settings.udp64.format = settings.format;
    status = write_udp64(settings.out, settings.udp64);
  }
  if (status) return 0;
  std::fprintf(stderr, "make-capture: %s\n", status.error().message.c_str());
  return 1;
}
