// ipc/state/copies.h: what leaves besides a packet, or instead of it: copies that rules make (`dup`, `fwd`).
//
// Who     rules writes the slot of a packet of which there are copies (Facts::copied), its early visit first, its main one behind
//         that; pktio's home makes frames of them and sends them before the packet itself, as the kernel does.
// Bytes   of a copy: its headers as rules had them then, from the network header on, laid over the packet's own.
// Full    what finds no room is counted: `lost`.
// Owner   a slot for each number (ipc/memory/slots.h).
// Trust   home copies what it uses and checks it.
#pragma once

#include "common/base/address.h"
#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct Copy {
  enum class Link : uint8_t {
    as_came,   // the link header that the packet came with
    made,      // one from `device` to `next`
    received,  // the same, and the frame keeps its tags and what lies behind the IP packet
  };

  IpAddress next;      // whose link-layer address it goes to
  uint8_t out;         // interface that it leaves by
  uint8_t device;      // and the one whose link-layer address it comes from
  Link link;
  uint8_t alone;       // 1: its bytes are all there is of it: what the router says itself
  uint8_t itself;      // 1: the packet, which goes no other way (`fwd`)
  uint8_t anew;        // 1: what came in fragments is cut as large as may be
  uint8_t renews_sctp; // 1: SCTP's checksum does not fit the headers yet
  uint16_t from;       // its headers' bytes in Copies::bytes
  uint16_t length;
};

struct alignas(64) Copies {
  static constexpr size_t kMost = 8;
  static constexpr size_t kBytes = 65535;

  struct About {
    uint64_t number;
    uint32_t count, lost;
    std::array<Copy, kMost> copies;
  };

  About about;
  std::array<uint8_t, kBytes> bytes;  // pages that no packet has needed take no memory
};

using CopiesTable = memory::Slots<Copies, memory::Layout::copies>;

}  // namespace bulkhead::state
