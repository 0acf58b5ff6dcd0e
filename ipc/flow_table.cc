#include "ipc/flow_table.h"

namespace bulkhead {
Look look_at(const FlowEntry& entry, const Word<uint64_t>& generation, FlowSnapshot& into) {
  bool const good = read_committed(entry.stamp, generation, [&] {
    into.created = entry.created.load();
    into.expires_ns = entry.expires_ns.load();
    into.status = entry.status.load();
    into.protocol_state = entry.protocol_state.load();
    into.mark = entry.mark.load();
    for (size_t way = 0; way < 2; ++way) {
      into.tuples[way] = tuple_of(entry.tuples[way]);
      into.packets[way] = entry.counters[way].packets.load();
      into.bytes[way] = entry.counters[way].bytes.load();
    }
  });
  if (!good) return Look::changing;
  constexpr uint32_t wanted = Status32::used | Status32::confirmed;
  return (into.status & wanted) == wanted ? Look::flow : Look::none;
}

}  // namespace bulkhead
