// ipc/state/header_edits.h: the headers of a packet whose fields rules have set.
//
// Who     rules writes the slot of such a packet (Orders::edited); pktio's home lays it over the packet that it sends.
// Bytes   from the network header on, as the packet leaves but for the link header: with what the router and the translation
//         have changed, in the order in which the hooks did. Of one that is refused and answered: as it is quoted.
// Owner   a slot for each number (ipc/memory/slots.h, which says too how it is trusted).
#pragma once

#include <cstddef>
#include <limits>

#include "common/packet/packet.h"
#include "ipc/memory/slots.h"

namespace bulkhead::state {

struct alignas(64) HeaderEdit {
  struct About {
    uint64_t number;
    packet::Tuple to;             // the packet's, in these headers; nat may have had to choose another for it
    uint16_t length;      // bytes that are meant
    uint8_t renews_sctp;  // 1: SCTP's checksum does not fit them yet
  };
  /// As far as an IPv6 packet may have its headers. Pages that no packet has needed take no memory.
  static constexpr size_t kMost = std::numeric_limits<decltype(About::length)>::max();

  About about;
  std::array<uint8_t, kMost> head;
};
static_assert(sizeof(HeaderEdit) == 65600);

using HeaderEdits = memory::Slots<HeaderEdit, memory::Layout::header_edits>;

}  // namespace bulkhead::state