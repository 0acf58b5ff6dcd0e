// tests/unit/routed.h: packets through the whole chain in one process, and what leaves it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "ipc/control/outputs.h"
#include "tests/simulation/chain.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {

inline constexpr uint64_t kStart = 1'700'000'000'000'000'000;
inline constexpr uint64_t kMillisecond = 1'000'000;

/// Records of a pcap file that this machine wrote.
inline std::vector<Bytes> records(const std::vector<uint8_t>& file) {
  std::vector<Bytes> all;
  for (size_t at = 24; at + 16 <= file.size();) {
    auto const length = load_raw<uint32_t>(file.data() + at + 8);
    all.emplace_back(file.begin() + static_cast<ptrdiff_t>(at + 16), file.begin() + static_cast<ptrdiff_t>(at + 16 + length));
    at += 16 + length;
  }
  return all;
}

struct Routed {
  std::vector<Bytes> lan, wan, drops, local;
  std::string verdicts;

  [[nodiscard]] size_t says(const std::string& text) const {
    size_t count = 0;
    for (size_t at = verdicts.find(text); at != std::string::npos; at = verdicts.find(text, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] size_t dropped(const std::string& reason) const { return says("\"reason\":\"" + reason + "\""); }
};

struct Arrival {
  size_t in;  // 0 lan, 1 wan
  Bytes frame;
};

inline Routed through(const control::Settings& settings, const std::vector<Arrival>& arrivals, uint64_t apart_ns = kMillisecond) {
  Input input(2);
  for (size_t i = 0; i < arrivals.size(); ++i) {
    const Bytes& frame = arrivals[i].frame;
    input[arrivals[i].in].push_back({kStart + i * apart_ns, static_cast<uint32_t>(frame.size()), frame});
  }
  Memory memory(settings);
  Chain chain(memory, settings, input, 0);
  chain.start_all();
  BOOST_REQUIRE(chain.finish());
  BOOST_TEST(unforeseen(memory) == "");
  control::Outputs const outputs(settings);
  const Disk& disk = chain.disk();
  return {records(disk[0]), records(disk[1]), records(disk[outputs.drops]), settings.topology.is_router() ? records(disk[outputs.local]) : std::vector<Bytes>{},
          std::string(disk[outputs.verdicts].begin(), disk[outputs.verdicts].end())};
}

}  // namespace bulkhead::test
