#include "ipc/state/lanes.h"

namespace bulkhead::state {

// pktio may change its mind under our eyes: dying, or having got the flow back. `away` changes last, and is undone first.
std::optional<bool> lives(const Lane& lane, uint32_t generation, uint64_t number, uint64_t now_ns) noexcept {
  for (int tries = 0; tries < 64; ++tries) {
    uint64_t const away = lane.away.acquire();
    if (lane.generation.acquire() != generation) return std::nullopt;
    if (away != 0 && away <= number) return std::nullopt;
    uint64_t const expires_ns = lane.expires_ns.acquire();
    if (lane.away.acquire() == away && lane.generation.load() == generation) return expires_ns > now_ns;
  }
  return std::nullopt;
}

void add_lane(FlowSnapshot& flow, const FlowEntry& entry, const Lane& lane) noexcept {
  if (lane.generation.load() != entry.generation.load()) return;
  uint64_t const away = lane.away.load();
  if (away != 0 && entry.adopted.load() >= away) return;
  flow.expires_ns = lane.expires_ns.load();
  flow.protocol_state = lane.protocol_state.load();
  for (size_t way = 0; way < 2; ++way) {
    flow.packets[way] += lane.sides[way].counted.packets.load();
    flow.bytes[way] += lane.sides[way].counted.bytes.load();
  }
}

}  // namespace bulkhead::state