// services/conntrack/beginning.h: what a packet that meets no flow begins, if it may begin one.
//
// Source  nf_ct_invert_tuple(); tcp_new(), sctp_new(), and what nf_conntrack_{udp,icmp,icmpv6,gre,generic}_packet() do with a first packet.
#pragma once

#include <array>
#include <optional>

#include "ipc/chain/descriptor.h"

namespace bulkhead::conntrack {

struct Beginning {
  packet::Tuple reply;
  uint64_t lives_ns = 0;
  uint32_t status = 0;  // to be added
  uint32_t state = 0;   // of the protocol
  size_t words = 0;     // of the protocol's, that are to be set
  std::array<uint64_t, 7> protocol_words{};
};

/// None: it is invalid.
[[nodiscard]] std::optional<Beginning> begin_flow(const chain::Descriptor& descriptor, const packet::Zones& zones) noexcept;

}  // namespace bulkhead::conntrack
