// services/pktio/transmit.h: a routed packet as it leaves: link header of the next hop, one hop less to live; and the
// packets that the firewall itself says.
//
// Who     home, at each packet that comes home. What is in the pool stays as it is: a successor may have to do it again,
//         so bytes are changed in a buffer of this process.
// Units   bytes. Frames leave without the padding or trailer behind the IP packet, and without VLAN tags.
// Trust   offsets in the descriptor are checked against the frame; a frame or answer that cannot be: empty.
// Cost    one copy of the packet.
// Source  Linux ip_decrease_ttl, ip6_forward, icmp_send, icmp6_send, nf_reject_ip_tcphdr_put; RFC 792, 4443, 9293 3.5.2,
//         1812 4.3.2.
#pragma once

#include <span>
#include <vector>

#include "common/packet.h"
#include "common/topology.h"
#include "ipc/answers.h"
#include "ipc/descriptor.h"
#include "ipc/nat_orders.h"

namespace bulkhead::pktio {

class Transmit {
 public:
  struct Frame {
    std::span<const uint8_t> captured;  // valid until the next call
    uint32_t wire = 0;
    uint32_t link = 0;  // bytes of link header
  };
  static constexpr size_t kAnswerMost = 20 + 1280;  // longest link header, ICMPv6's minimum MTU

  explicit Transmit(const Topology& topology);
  /// Of all files that are written.
  void set_link(LinkType link) { link_ = link; }

  /// `what`: how it is translated; null: not.
  [[nodiscard]] Frame routed(const Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t wire,
                             const Rewriting* what);
  /// With the link header that it came with: through a bridge, or to the firewall itself.
  [[nodiscard]] Frame translated(const Descriptor& descriptor, const Frame& frame, const Rewriting& what);
  [[nodiscard]] Frame answer(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> frame);

 private:
  struct Hop {
    uint16_t out;
    uint16_t way;
    IpAddress destination;
  };
  /// Bytes of link header at the front of the buffer.
  size_t link_header(const Hop& hop);
  [[nodiscard]] Frame icmp(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> packet);
  [[nodiscard]] Frame reset(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> packet);
  struct NetworkFields {
    uint8_t tos = 0;            // IPv4, as the next two
    uint16_t id = 0;
    bool dont_fragment = false;
  };
  /// Into zeroed bytes behind the link header.
  void network_header(const IpAddress& from, const IpAddress& to, uint8_t number, size_t payload,
                      const NetworkFields& fields);
  void icmp4(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> quoted, const IpAddress& to);
  void icmp6(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> quoted, const IpAddress& to);

  Topology topology_;
  Routes routes_;
  Neighbours neighbours_;
  LinkType link_ = LinkType::ethernet;
  std::vector<uint8_t> buffer_;
  size_t header_ = 0;  // bytes of link header in it
};

}  // namespace bulkhead::pktio
