// services/rules/route.h: where a router sends a packet, or why it does not, and what it says about that.
//
// Before  prerouting hooks, whose translation of the destination this goes by. After: forward or input.
// Who     decide.cc. Pure: what it needs is the packet's header and the topology.
// Order   of the checks: the kernel's, since the first that fails gives the reason and the answer.
// Trust   the header is what the view found within the captured bytes.
// Source  Linux ip_route_input_slow, ip_mc_validate_source, ip_mkroute_input, ip_forward, ip6_rcv_core, ip6_forward; rp_filter off;
//         redirects are not sent (send_redirects 0).
#pragma once

#include "common/base/topology.h"
#include "ipc/chain/descriptor.h"
#include "services/rules/header_view.h"

namespace bulkhead::rules {

struct Route {
  enum class Fate : uint8_t { forward, local, drop };
  Fate fate = Fate::drop;
  chain::DropReason reason = chain::DropReason::none;  // drop
  uint16_t way = 0;                      // forward
  uint16_t out = 0;
  bool redirects = false;  // IPv6: goes back by where it came from, so that a redirect would be due
  bool speaks = false;     // drop: with this ICMP error
  bool to_groups_too = false;  // IPv6: though the packet went to a group
  uint8_t type = 0, code = 0;
  uint32_t info = 0;

  [[nodiscard]] static Route dropped(chain::DropReason reason) noexcept;
  /// And says so.
  [[nodiscard]] static Route refused(chain::DropReason reason, uint8_t type, uint8_t code, uint32_t info = 0) noexcept;
};

/// `in`: the interface that it came by.
[[nodiscard]] Route route(const HeaderView& packet, uint16_t in, const Routes& routes,
                          const Topology& topology) noexcept;

/// Is there nothing in the packet that forbids to answer it with an ICMP error? RFC 1122 3.2.2, RFC 4443 2.4 (e).
/// With this message.
[[nodiscard]] bool may_be_answered(const HeaderView& packet, const Routes& routes, const Route& said) noexcept;

}  // namespace bulkhead::rules
