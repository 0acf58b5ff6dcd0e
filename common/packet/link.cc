#include "common/packet/link.h"

#include <algorithm>

namespace bulkhead::packet {
namespace {

constexpr uint16_t cooked_v1_header = 16, cooked_v2_header = 20, hdlc_header = 4, bsd_header = 4, nflog_header = 4;
constexpr uint8_t address_and_control = 0xff, unnumbered = 3;                // of PPP in frames of HDLC
constexpr uint16_t ppp_ipv4 = 0x21, ppp_ipv6 = 0x57;
constexpr uint8_t hdlc_unicast = 0x0f, hdlc_group = 0x8f;
constexpr uint32_t bsd_ipv4 = 2, bsd_ipv6 = 30;                              // Darwin's
constexpr uint16_t ethertype_ppp = 0x880b, ethertype_experimental = 0x88b5;  // RFC 7042 B.1, 3.2
constexpr uint8_t outgoing = 4, other_host = 3, arphrd_ethernet = 1;         // of cooked captures

LinkPart refused(Reason reason) noexcept { return {0, 0, false, reason}; }
LinkPart unknown(uint16_t length) noexcept { return {0, length, true}; }

LinkPart raw(std::span<const uint8_t> frame) noexcept {
  if (frame.empty()) return refused(Reason::short_ip);
  unsigned const version = frame[0] >> 4;
  if (version != 4 && version != 6) return refused(Reason::bad_version);
  return {version == 4 ? ethertype::ipv4 : ethertype::ipv6};
}

/// Devices whose cooked protocol field is no ethertype (pcap-linktype(7)): FRAD, 802.11 radiotap, netlink,
/// GRE.
bool other_protocol_field(uint16_t device) noexcept {
  return device == 770 || device == 778 || device == 803 || device == 824;
}

LinkPart cooked(std::span<const uint8_t> frame, uint16_t length, size_t type_at, size_t device_at) noexcept {
  if (frame.size() < length) return refused(Reason::short_link);
  return {load_be16(frame.data() + type_at), length, other_protocol_field(load_be16(frame.data() + device_at))};
}

LinkPart typed(std::span<const uint8_t> frame, uint16_t length) noexcept {  // by its last two bytes
  if (frame.size() < length) return refused(Reason::short_link);
  return {load_be16(frame.data() + length - 2), length};
}

/// An address family, in the byte order of whoever captured. IPv6 has another number on each system.
LinkPart bsd(std::span<const uint8_t> frame) noexcept {
  if (frame.size() < bsd_header) return refused(Reason::short_link);
  uint32_t family = load_be32(frame.data());
  if (family > 0xffff) family = frame[0];
  bool const six = family == 10 || family == 24 || family == 28 || family == 30;
  if (family != bsd_ipv4 && !six) return unknown(0);
  return {six ? ethertype::ipv6 : ethertype::ipv4, bsd_header};
}

/// Address and control may be left out, and the first byte of the protocol.
LinkPart ppp(std::span<const uint8_t> frame) noexcept {
  size_t const begin = frame.size() >= 2 && frame[0] == address_and_control && frame[1] == unnumbered ? 2 : 0;
  size_t at = begin;
  if (at >= frame.size()) return refused(Reason::short_link);
  uint16_t number = frame[at++];
  if ((number & 1) == 0) {
    if (at >= frame.size()) return refused(Reason::short_link);
    number = static_cast<uint16_t>(number << 8 | frame[at++]);
  }
  if (number != ppp_ipv4 && number != ppp_ipv6) return {ethertype_ppp, static_cast<uint16_t>(begin), true};
  return {number == ppp_ipv4 ? ethertype::ipv4 : ethertype::ipv6, static_cast<uint16_t>(at)};
}

/// Either PPP in HDLC's frames, or Cisco's.
LinkPart ppp_serial(std::span<const uint8_t> frame) noexcept {
  bool const cisco = !frame.empty() && (frame[0] == hdlc_unicast || frame[0] == hdlc_group);
  return cisco ? typed(frame, hdlc_header) : ppp(frame);
}

/// Attributes, one of which is the packet. libpcap has put their lengths into this machine's byte order.
LinkPart nflog(std::span<const uint8_t> frame) noexcept {
  constexpr uint16_t payload = 9, type_mask = 0x7fff;
  constexpr uint8_t inet = 2, inet6 = 10;
  if (frame.size() < nflog_header) return refused(Reason::short_link);
  for (size_t at = nflog_header; at + 4 <= frame.size();) {
    size_t const length = load_raw<uint16_t>(frame.data() + at);
    if (length < 4) break;
    if ((load_raw<uint16_t>(frame.data() + at + 2) & type_mask) == payload && at + 4 <= UINT16_MAX) {
      auto const begin = static_cast<uint16_t>(at + 4);
      if (frame[0] != inet && frame[0] != inet6) return unknown(begin);
      return {frame[0] == inet ? ethertype::ipv4 : ethertype::ipv6, begin};
    }
    at += (length + 3) & ~size_t{3};
  }
  return refused(Reason::short_link);
}

/// To whom a cooked frame went, as its packet type says.
void set_receiver(uint8_t packet_type, const Mac& own, std::span<uint8_t> to) noexcept {
  constexpr uint8_t broadcast = 1, group = 2;
  std::ranges::copy(own, to.begin());
  if (packet_type == broadcast) std::ranges::fill(to, uint8_t{0xff});
  if (packet_type == group) to[0] |= 1;
  if (packet_type == other_host) to[5] ^= 0xff;
}

}  // namespace

LinkPart link_part(std::span<const uint8_t> frame, LinkType link) noexcept {
  switch (link) {
    case LinkType::ethernet: return typed(frame, kEthernetHeader);
    case LinkType::raw_ip: return raw(frame);
    case LinkType::linux_cooked_v1: return cooked(frame, cooked_v1_header, 14, 2);
    case LinkType::linux_cooked_v2: return cooked(frame, cooked_v2_header, 0, 8);
    case LinkType::bsd_null:
    case LinkType::bsd_loop: return bsd(frame);
    case LinkType::ppp: return ppp(frame);
    case LinkType::ppp_serial: return ppp_serial(frame);
    case LinkType::cisco_hdlc: return typed(frame, hdlc_header);
    case LinkType::nflog: return nflog(frame);
  }
  return refused(Reason::short_link);
}

size_t ethernet_instead(std::span<const uint8_t> frame, LinkType link, const Mac& own, std::span<uint8_t, kEthernetHeader> header) noexcept {
  LinkPart const part = link_part(frame, link);
  std::ranges::fill(header, uint8_t{0});
  std::ranges::copy(own, header.begin());
  bool const v1 = link == LinkType::linux_cooked_v1, v2 = link == LinkType::linux_cooked_v2;
  if (part.reason == Reason::none && (v1 || v2)) {
    set_receiver(frame[v1 ? 1 : 10], own, header.first(own.size()));
    std::copy_n(frame.data() + (v1 ? 6 : 12), own.size(), header.data() + own.size());
  }
  if (link == LinkType::cisco_hdlc && !frame.empty() && frame[0] == hdlc_group) set_receiver(1, own, header.first(own.size()));
  uint16_t const type = part.ethertype == 0 || (part.not_ip && part.ethertype != ethertype_ppp) ? ethertype_experimental : part.ethertype;
  store_be16(header.data() + 12, type);
  return part.reason == Reason::none ? part.length : 0;
}

size_t write_link(LinkType link, const LinkFields& fields, std::span<uint8_t, kLinkMost> header) noexcept {
  uint8_t* const to = header.data();
  bool const ipv4 = fields.ethertype == ethertype::ipv4;
  std::ranges::fill(header, uint8_t{0});
  switch (link) {
    case LinkType::nflog:
    case LinkType::ethernet:
      std::ranges::copy(fields.to, to);
      std::ranges::copy(fields.from, to + 6);
      store_be16(to + 12, fields.ethertype);
      return kEthernetHeader;
    case LinkType::raw_ip: return 0;
    case LinkType::linux_cooked_v1:
      to[1] = outgoing;
      to[3] = arphrd_ethernet;
      to[5] = static_cast<uint8_t>(fields.from.size());
      std::ranges::copy(fields.from, to + 6);
      store_be16(to + 14, fields.ethertype);
      return cooked_v1_header;
    case LinkType::linux_cooked_v2:
      store_be16(to, fields.ethertype);
      to[7] = fields.interface;
      to[9] = arphrd_ethernet;
      to[10] = outgoing;
      to[11] = static_cast<uint8_t>(fields.from.size());
      std::ranges::copy(fields.from, to + 12);
      return cooked_v2_header;
    case LinkType::bsd_null: store_raw(to, ipv4 ? bsd_ipv4 : bsd_ipv6); return bsd_header;
    case LinkType::bsd_loop: store_be32(to, ipv4 ? bsd_ipv4 : bsd_ipv6); return bsd_header;
    case LinkType::ppp: store_be16(to, ipv4 ? ppp_ipv4 : ppp_ipv6); return 2;
    case LinkType::ppp_serial:
      to[0] = address_and_control;
      to[1] = unnumbered;
      store_be16(to + 2, ipv4 ? ppp_ipv4 : ppp_ipv6);
      return 4;
    case LinkType::cisco_hdlc:
      to[0] = hdlc_unicast;
      store_be16(to + 2, fields.ethertype);
      return hdlc_header;
  }
  return 0;
}

}  // namespace bulkhead::packet
