// ipc/state/pktio_state.h: what pktio remembers: how far the captures have been read, numbered, come home, written.
//
// Who     pktio writes (journaled, but where said otherwise); keeper and CLI read single words.
// Units   packets, bytes, nanoseconds of the packet clock since 1970.
// Crash   all of it belongs to pktio's batch, so that a packet's count, its number and its bytes in the output are
//         committed together.
#pragma once

#include <array>

#include "ipc/chain/descriptor.h"
#include "ipc/control/outputs.h"
#include "ipc/control/settings.h"
#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::state {

struct PktioState {
  static constexpr memory::Layout kLayout = memory::Layout::pktio_state;
  static constexpr uint32_t kVersion = 6;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(PktioState); }  // lanes lie behind it (ipc/state/lanes.h)
  static constexpr size_t kErrorBytes = 256;
  static constexpr size_t kOwnBytes = 81984;

  enum class Done : uint32_t { running, finished, failed };

  struct alignas(64) Interface {
    memory::Word<uint64_t> read_packets;  // Position of its capture
    memory::Word<uint64_t> read_offset;
    memory::Word<uint64_t> in_bytes;
    memory::Word<uint64_t> out_packets, out_bytes;
    memory::Word<uint32_t> input_ended;   // 1: at its end; 2: failed
    // Not journaled; written once, before input_ended is 2.
    std::array<char, kErrorBytes> input_error;
  };
  struct Output {
    memory::Word<uint64_t> staged;   // bytes committed to this file
    memory::Word<uint64_t> written;  // of them in the file for sure; only goes forward, not journaled
  };

  memory::ObjectHeader header;  // capacity: lanes
  alignas(64) memory::Word<uint64_t> next_number;  // that the next packet or event gets, less 1
  memory::Word<uint64_t> time_ns;                  // packet time
  memory::Word<uint64_t> tick_time_ns;             // of the last tick
  memory::Word<uint64_t> since_tick;               // packets
  memory::Word<uint64_t> large_taken;              // large cells ever taken
  alignas(64) memory::Word<uint64_t> home_number;  // how many have come home
  memory::Word<uint64_t> large_home;               // large cells ever let go
  memory::Word<uint64_t> packets, bytes;           // taken in
  memory::Word<uint64_t> accepted, dropped;
  memory::Word<uint64_t> forwarded;                // of the accepted, by `fwd`
  memory::Word<uint64_t> copies, copies_lost;      // that left besides (copies.h), and those that found no room
  // Of the packets, taken as their senders' cards would have sent them: IPv4 without a checksum, IP without a length; larger than
  // the MTU by which they came.
  memory::Word<uint64_t> mended_sums, mended_lengths, super_frames;
  memory::Word<uint64_t> relinked;                 // 1: of captures that differ, which became Ethernet
  memory::Word<uint64_t> link;                     // of the outputs: LinkType + 1, once an input is open
  std::array<memory::Word<uint64_t>, static_cast<size_t>(chain::DropReason::count)> drops;
  std::array<memory::Word<uint64_t>, 8> states;    // packets by FlowState
  std::array<Interface, control::kMaxInterfaces> interfaces;
  std::array<Output, control::kMaxOutputs> outputs;  // by Outputs' numbers
  // Not journaled: the text is written before the word, once.
  alignas(64) memory::Word<Done> done;
  std::array<char, kErrorBytes> error;  // when failed, zero-ended
  // Of what pktio alone knows (services/pktio/fragments.h): which cell lies where follows from timing.
  alignas(64) std::array<std::byte, kOwnBytes> own;
  // How many went by the fast lane follows from timing too.
  alignas(64) memory::Word<uint64_t> lane_packets;
  memory::Word<uint32_t> lane_epoch;    // how often the flow table was nearly full
  memory::Word<uint32_t> lane_crowded;  // 1: it is
};

}  // namespace bulkhead::state