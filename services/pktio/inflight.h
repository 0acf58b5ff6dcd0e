// services/pktio/inflight.h: what pktio keeps of each number in the chain, so that it trusts nobody's descriptor for it.
//
// Who     pktio alone.
// Owner   number n has slot n % window. It is filled before the batch that sends n is committed, and filled
//         again only after the homecoming of n is committed: in between a successor finds it whole.
#pragma once

#include "ipc/chain/chain.h"
#include "ipc/chain/descriptor.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::pktio {

struct alignas(64) InFlight {
  uint64_t number;
  uint64_t stamp_ns;  // as captured
  uint64_t packet;    // counted from 1 in its capture
  uint32_t frame;
  uint32_t captured;
  uint32_t wire;
  chain::Kind kind;
  uint8_t in;
  uint8_t large;  // 1: has a large cell
  // Fragments that go with it (services/pktio/fragments.h).
  chain::DropReason fragments_reason;  // why they are dropped; none: they are what it was put together from, and share its fate
  uint32_t fragments;           // the first one's cell; 0: there are none
  uint32_t largest_fragment;    // as in the descriptor
  // The fast lane (ipc/state/lanes.h).
  uint32_t lane;    // of the flow that it met, plus 1; 0: none
  uint32_t hash;    // of its tuple, not 0, if it is in the chain with one
  uint8_t laned;    // 1: it is not in the chain
  uint16_t repeated;  // IPv6, put together from fragments: bytes of headers that each of them has before its fragment header
};
static_assert(sizeof(InFlight) == 64);

struct InFlightTable {
  static constexpr memory::Layout kLayout = memory::Layout::inflight;
  static constexpr uint32_t kVersion = 3;
  static constexpr size_t bytes_for(uint64_t window) { return sizeof(InFlightTable) + window * sizeof(InFlight); }

  memory::ObjectHeader header;  // capacity: slots, a power of two

  [[nodiscard]] InFlight* slots() { return reinterpret_cast<InFlight*>(this + 1); }
};
static_assert(chain::PrivateLayout::of<InFlightTable>() == chain::kInFlight);

}  // namespace bulkhead::pktio