// services/rules/router.h: what a router has more than a bridge.
#pragma once

#include <algorithm>

#include "common/packet/packet.h"
#include "services/rules/translate.h"

namespace bulkhead::rules {

struct Router {
  explicit Router(const Topology& made) : topology(made), routes(made), neighbours(made), host(topology, routes) {}
  Topology topology;
  Routes routes;
  Neighbours neighbours;
  RouterHost host;
};

/// Ethernet's, from interface `device` to a neighbour.
using LinkHeader = std::array<uint8_t, 14>;
[[nodiscard]] inline LinkHeader link_header(const Router& router, uint16_t device, const IpAddress& to, uint16_t ether_type) noexcept {
  LinkHeader header{};
  Mac const next = router.neighbours.mac_of(to, device);
  const Mac& own = router.topology.interfaces[device].mac;
  std::ranges::copy(next, header.begin());
  std::ranges::copy(own, header.begin() + static_cast<ptrdiff_t>(next.size()));
  store_be16(header.data() + next.size() + own.size(), ether_type);
  return header;
}

/// A link header's bytes as the kernel counts them: a VLAN tag lies beside the frame.
[[nodiscard]] inline uint32_t counted_link(const ruleset::Evaluation& packet) noexcept {
  return packet.link.size() >= LinkHeader().size() ? static_cast<uint32_t>(LinkHeader().size()) : 0;
}

}  // namespace bulkhead::rules
