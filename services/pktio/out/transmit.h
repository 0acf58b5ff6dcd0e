// services/pktio/out/transmit.h: a routed packet as it leaves: link header of the next hop, one hop less to live; and the
// packets that the firewall itself says.
//
// Who     compose.h, at each packet that comes home. What is in the pool stays as it is: a successor may have to do it again,
//         so bytes are changed in a buffer of this process.
// Units   bytes. Frames leave without the padding or trailer behind the IP packet, and without VLAN tags.
// Trust   offsets in the descriptor are checked against the frame; a frame or answer that cannot be: empty.
// Cost    one copy of the packet.
// Source  Linux ip_decrease_ttl, ip6_forward, icmp_send, icmp6_send, nf_reject_ip_tcphdr_put; RFC 792, 4443, 9293 3.5.2,
//         1812 4.3.2.
#pragma once

#include <span>
#include <vector>

#include "common/base/topology.h"
#include "common/packet/packet.h"
#include "ipc/state/answer_packet.h"
#include "ipc/state/copies.h"
#include "ipc/state/nat_orders.h"
#include "services/pktio/out/sink.h"

namespace bulkhead::pktio {

class Transmit {
 public:
  static constexpr size_t kAnswerMost = 20 + state::kAnswerMost;  // behind the longest link header

  explicit Transmit(const Topology& topology);
  /// Of all files that are written.
  void set_link(packet::LinkType link) { link_ = link; }

  /// Frames are valid until the next call. `what`: how it is translated; null: not.
  [[nodiscard]] Frame routed(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t wire,
                             const packet::Rewriting* what);
  /// With the link header that it came with: through a bridge, or to the firewall itself.
  [[nodiscard]] Frame translated(const chain::Descriptor& descriptor, const Frame& frame, const packet::Rewriting& what);
  /// `headers`: those of the copy, which are laid over the packet's.
  [[nodiscard]] Frame copied(const state::Copy& copy, std::span<const uint8_t> headers, const chain::Descriptor& descriptor, const Frame& frame);
  [[nodiscard]] Frame answer(const state::Answer& answer, const chain::Descriptor& descriptor, std::span<const uint8_t> frame);

 private:
  struct Hop {
    uint16_t out;
    uint16_t way;
    IpAddress destination;
  };
  /// Bytes of link header at the front of the buffer.
  size_t link_header(const Hop& hop);
  size_t link_header(uint16_t device, const IpAddress& next);

  Topology topology_;
  Routes routes_;
  Neighbours neighbours_;
  packet::LinkType link_ = packet::LinkType::ethernet;
  std::vector<uint8_t> buffer_;
};

}  // namespace bulkhead::pktio
