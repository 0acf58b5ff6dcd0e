// tests/bench/making.cc: the empty chain's pktio: the real stage, over packets made in memory and no files.
#include <charconv>

#include "ipc/runtime/stage_main.h"
#include "services/pktio/make.h"
#include "tests/bench/made_source.h"

namespace bulkhead::test {
namespace {

/// What empty_chain.cc has put in the place of a capture's path.
Result<uint64_t> packets_asked(const control::Settings& settings) {
  const std::string& said = settings.interfaces.at(0).path;
  uint64_t packets = 0;
  const char* const end = said.data() + said.size();
  if (std::from_chars(said.data(), end, packets).ptr != end || packets == 0) return fail("{}: want a number of packets", said);
  return packets;
}

Result<std::unique_ptr<chain::Stage>> make(runtime::StageWorld world) {
  auto const packets = packets_asked(world.settings);
  if (!packets) return tl::unexpected(packets.error());
  pktio::Files files;
  files.open = [packets = *packets](size_t, const pktio::Position& from) -> Result<std::unique_ptr<pktio::Source>> {
    return std::make_unique<MadeSource>(packets, from);
  };
  return pktio::make_stage(world.objects, world.settings, std::move(files));
}

}  // namespace
}  // namespace bulkhead::test

int main(int argc, char** argv) { return bulkhead::runtime::stage_main(argc, argv, "pktio", bulkhead::test::make); }
