// common/packet/link.h: what a capture says before the packet: which protocol it is, and where it begins.
//
// Who     parse(), of each frame but most Ethernet ones; pktio, which makes Ethernet frames of captures that differ, and writes
//         link headers of what a router sends.
// Units   bytes.
// Trust   any bytes are safe.
// Source  pcap-linktype(7), IEEE 802.3, RFC 1661 2, RFC 1662 3.1, RFC 1547 4.3.1, RFC 7042; <linux/netfilter/nfnetlink_log.h>.
#pragma once

#include <span>

#include "common/base/address.h"
#include "common/packet/packet.h"

namespace bulkhead::packet {

struct LinkPart {
  uint16_t ethertype = 0;  // below 1536 on Ethernet: a length; else 0: there is none
  uint16_t length = 0;     // of the header
  bool not_ip = false;     // whatever the ethertype says
  Reason reason = Reason::none;
};
[[nodiscard]] LinkPart link_part(std::span<const uint8_t> frame, LinkType link) noexcept;

/// May be written as it came. What a log holds is no link.
[[nodiscard]] constexpr bool is_written(LinkType link) noexcept { return link != LinkType::nflog; }

inline constexpr size_t kEthernetHeader = 14, kLinkMost = 20;  // kLinkMost: of all that are written
/// What an Ethernet frame says instead; `own`: the MAC address of the interface, to which it came. Gives how many bytes of the frame
/// it takes the place of.
[[nodiscard]] size_t ethernet_instead(std::span<const uint8_t> frame, LinkType link, const Mac& own, std::span<uint8_t, kEthernetHeader> header) noexcept;

struct LinkFields {
  Mac to{}, from{};
  uint16_t ethertype = 0;
  uint8_t interface = 1;
};
/// The header of a frame that leaves. Gives how many bytes it has.
size_t write_link(LinkType link, const LinkFields& fields, std::span<uint8_t, kLinkMost> header) noexcept;

}  // namespace bulkhead::packet
