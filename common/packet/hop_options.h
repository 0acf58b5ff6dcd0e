// common/packet/hop_options.h: what is wrong with IPv6's hop-by-hop options, which each router on the way looks at.
//
// Who     pktio, which drops the packet before any hook; rules, which says so to its sender.
// Units   bytes from the first one of the IPv6 header.
// Trust   any bytes are safe. Options that the capture cut off are taken for right.
// Source  RFC 8200 4.2, 4.3, RFC 2675; Linux ipv6_parse_hopopts, ip6_parse_tlv (max_hbh_opts_number 8, no IOAM, no NetLabel);
//         a bridge: nf_ip6_check_hbh_len.
#pragma once

#include <span>

#include "common/packet/packet.h"

namespace bulkhead::packet {

struct HopFault {
  enum class Kind : uint8_t { none, silent, problem };  // problem: the sender is told
  Kind kind = Kind::none;
  uint8_t code = 0;      // of the parameter problem
  uint32_t pointer = 0;  // where
  bool tells_groups = false;  // though it went to a group (RFC 4443 2.4 (e.3))
};

/// `packet`: from the IPv6 header on, as captured, and `length` bytes long on the wire; its next header is hop-by-hop.
[[nodiscard]] HopFault router_fault(std::span<const uint8_t> packet, uint32_t length) noexcept;
/// A bridge looks at the form, and at jumbo options.
[[nodiscard]] bool bridge_drops(std::span<const uint8_t> packet, uint32_t length) noexcept;

}  // namespace bulkhead::packet
