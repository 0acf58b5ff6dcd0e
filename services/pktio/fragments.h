// services/pktio/fragments.h: where fragments lie until the datagram that they are parts of is whole, and is home.
//
// Who     pktio alone.
// Units   cells of kBytes. A fragment has as many as it needs. A cell's name is its index plus 1; 0: none.
// Owner   a cell is free, in the chain of a datagram (in the order of arrival), or in that of a number in flight
//         (services/pktio/inflight.h), whose homecoming gives the whole chain back.
// Crash   links are words of pktio's batch. A fragment's bytes are not journaled: they go into cells that were free when the
//         last batch was committed, and count once a committed link leads to them. So what a batch gives back is not taken
//         by the same batch.
#pragma once

#include <array>

#include "common/packet/fragment.h"
#include "ipc/chain/chain.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"
#include "ipc/state/pktio_state.h"

namespace bulkhead::pktio {

/// What stands at the front of a fragment's first cell; its bytes follow, and go on in the cells behind.
struct alignas(64) StoredFragment {
  uint64_t stamp_ns;  // as captured
  uint64_t packet;    // counted from 1 in its capture
  uint32_t captured;
  uint32_t wire;
  uint32_t cells;
  uint8_t in;         // interface
  uint32_t mark;      // that chains before reassembly have left on it
  packet::Fragment says;
};
static_assert(sizeof(StoredFragment) == 128);

struct FragmentCells {
  static constexpr memory::Layout kLayout = memory::Layout::fragments;
  static constexpr uint32_t kVersion = 2;
  static constexpr size_t kBytes = 33 * memory::kCacheLine;
  static constexpr uint32_t kCells = chain::kFragmentCells;
  static constexpr size_t bytes_for(uint64_t cells) { return sizeof(FragmentCells) + cells * kBytes; }

  memory::ObjectHeader header;  // capacity: cells, kCells at most

  [[nodiscard]] uint8_t* cell(uint32_t name) { return reinterpret_cast<uint8_t*>(this + 1) + (name - 1) * kBytes; }
  [[nodiscard]] static constexpr uint32_t cells_for(uint32_t captured) {
    return static_cast<uint32_t>((sizeof(StoredFragment) + captured + kBytes - 1) / kBytes);
  }
};
static_assert(chain::PrivateLayout::of<FragmentCells>() == chain::kFragments);

/// Part of pktio's state, whose words its batch journals. All zero: nothing has ever been stored.
struct FragmentLinks {
  struct Datagram {
    memory::Word<uint32_t> first, last;   // cells of its chain; 0: this place is not used
    memory::Word<uint64_t> since_ns;      // packet time of its first fragment
    memory::Word<uint32_t> told;          // Datagram::told(), of which some may stem from fragments that were not kept
    memory::Word<uint32_t> turn;          // IPv4: how many fragments of its sender had come with its last one
    memory::Word<uint32_t> sender;        // and at least so many have come by now
  };
  memory::Word<uint32_t> fresh;                    // cells that have ever been used
  memory::Word<uint32_t> free_first, free_last;    // given back, oldest first
  memory::Word<uint32_t> free_count;
  std::array<memory::Word<uint32_t>, FragmentCells::kCells + 1> next;         // by name of a cell
  std::array<Datagram, FragmentCells::kCells / 2> datagrams;
  /// The fragment about which chains before reassembly are asked: a number of its own walks the chain with it, while it waits in its
  /// capture and all behind it. receive writes the number, home the answer.
  struct Asked {
    enum Answer : uint32_t { none, passes, dropped };
    memory::Word<uint64_t> number;  // 0: nobody is asked
    memory::Word<uint32_t> answer, mark;
  } asked;
};
static_assert(sizeof(FragmentLinks) <= state::PktioState::kOwnBytes);

[[nodiscard]] inline FragmentLinks& links_in(state::PktioState& state) { return *reinterpret_cast<FragmentLinks*>(state.own.data()); }

}  // namespace bulkhead::pktio