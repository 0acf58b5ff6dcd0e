// services/pktio/out/inputs.h: what came in of a number: the packet itself, or the fragments that it was put together from.
//
// Who     home: an input has a fate, a line, and a place in what was dropped. A datagram's fragments share its fate.
// Owner   an input's frame is valid until the next one.
#pragma once

#include <vector>

#include "ipc/chain/pool.h"
#include "services/pktio/in/reassembly.h"
#include "services/pktio/inflight.h"
#include "services/pktio/out/sink.h"

namespace bulkhead::pktio {

struct Input {
  uint64_t packet;  // counted from 1 in its file
  uint64_t stamp_ns;
  uint8_t in;
  Frame frame;
};

class Inputs {
 public:
  Inputs(const Reassembly& reassembly, chain::Pool& pool) : reassembly_(reassembly), pool_(pool) {}

  [[nodiscard]] uint64_t count(const InFlight& slot) const {
    if (slot.largest_fragment == 0) return 1;
    uint64_t count = 0;
    for (uint32_t name = slot.fragments; name != 0; name = reassembly_.next(name)) ++count;
    return count;
  }

  template <class Each>
  void each(const InFlight& slot, Each each) {
    if (slot.largest_fragment != 0) return each_fragment(slot.fragments, each);
    each(Input{slot.packet, slot.stamp_ns, slot.in, {{pool_.at(slot.frame), slot.captured}, slot.wire}});
  }

  /// Of a chain, whether or not anything was put together from it.
  template <class Each>
  void each_fragment(uint32_t chain, Each each) {
    for (uint32_t name = chain; name != 0; name = reassembly_.next(name)) {
      StoredFragment const one = reassembly_.stored(name);
      fragment_.resize(one.captured);
      reassembly_.copy(name, 0, fragment_);
      each(Input{one.packet, one.stamp_ns, one.in, {fragment_, one.wire}});
    }
  }

 private:
  const Reassembly& reassembly_;
  chain::Pool& pool_;
  std::vector<uint8_t> fragment_;  // room for the longest
};

}  // namespace bulkhead::pktio
