// common/packet/packet.cc: parse() and quoted_tuple(). Tables of names and of ICMP types are in packet_tables.cc.
#include "common/packet/packet.h"

#include <algorithm>
#include <cstring>

#include "common/packet/ip_header.h"
#include "common/packet/link.h"

namespace bulkhead::packet {
namespace {

constexpr uint32_t ethernet_header = 14, vlan_tag = 4;
constexpr uint32_t ipv4_header = ip_header::kIpv4, ipv6_header = ip_header::kIpv6, fragment_header = ip_header::kFragment6;
constexpr uint32_t tcp_header = 20, udp_header = 8, icmp_header = 8, sctp_header = 12;

/// What is being parsed. `captured` <= `wire`; both from the first byte of the frame.
struct Frame {
  const uint8_t* bytes;
  uint32_t captured;
  uint32_t wire;
};

void refuse(Headers& h, Reason reason) noexcept {
  h.shape = Shape::malformed;
  h.reason = reason;
}

// --- transport ---

/// Identifier, type and code; `l4` has 8 bytes.
void take_icmp(const uint8_t* l4, Tuple& tuple) noexcept {
  tuple.src_port = load_raw<uint16_t>(l4 + 4);
  tuple.dst_port = load_raw<uint16_t>(l4);
}

void take_ports(const uint8_t* l4, Tuple& tuple) noexcept {
  tuple.src_port = load_raw<uint16_t>(l4);
  tuple.dst_port = load_raw<uint16_t>(l4 + 2);
}

/// Linux: gre_pkt_to_tuple. Only version 1 (PPTP, RFC 2637 4.1) has a call id; false: version 1 with other
/// contents.
bool take_gre(const uint8_t* l4, uint32_t room, Tuple& tuple) noexcept {
  if (room < 8 || (l4[1] & 7) != 1) return true;
  if (load_be16(l4 + 2) != 0x880b) return false;
  tuple.dst_port = load_raw<uint16_t>(l4 + 6);
  return true;
}

void parse_tcp(const uint8_t* l4, uint32_t room, uint32_t length, Headers& h) noexcept {
  if (room < tcp_header) return refuse(h, Reason::short_l4);
  const uint32_t data_offset = (l4[12] >> 4) * 4u;
  if (data_offset < tcp_header || data_offset > length) return refuse(h, Reason::bad_tcp_data_offset);
  take_ports(l4, h.tuple);
  h.shape = Shape::ip;
}

void parse_udp(const uint8_t* l4, uint32_t room, uint32_t length, Headers& h) noexcept {
  if (room < udp_header) return refuse(h, Reason::short_l4);
  const uint32_t udp_length = load_be16(l4 + 4);
  if (udp_length < udp_header || udp_length > length) return refuse(h, Reason::bad_udp_length);
  take_ports(l4, h.tuple);
  h.shape = Shape::ip;
}

/// RFC 3828 3.1: the length field is the checksum's coverage; 0 is everything.
void parse_udplite(const uint8_t* l4, uint32_t room, uint32_t length, Headers& h) noexcept {
  if (room < udp_header) return refuse(h, Reason::short_l4);
  const uint32_t coverage = load_be16(l4 + 4);
  if (coverage != 0 && (coverage < udp_header || coverage > length)) return refuse(h, Reason::bad_udp_length);
  take_ports(l4, h.tuple);
  h.shape = Shape::ip;
}

void parse_rest(uint8_t number, const uint8_t* l4, uint32_t room, uint32_t length, Headers& h) noexcept {
  h.shape = Shape::ip;
  switch (number) {
    case protocol::icmp:
    case protocol::icmpv6:
      if (room < icmp_header) return refuse(h, Reason::short_l4);
      return take_icmp(l4, h.tuple);
    case protocol::udplite:
      return parse_udplite(l4, room, length, h);
    case protocol::sctp:
      if (room < sctp_header) return refuse(h, Reason::short_l4);
      return take_ports(l4, h.tuple);
    case protocol::gre:
      if (!take_gre(l4, room, h.tuple)) h.shape = Shape::no_tuple;
      return;
    default:
      return;
  }
}

/// Fills in the ports from as much of the transport header as Linux' nf_ct_get_tuple wants.
bool quoted_ports(const uint8_t* l4, uint32_t room, Tuple& tuple) noexcept {
  switch (tuple.protocol) {
    case protocol::icmp:
    case protocol::icmpv6:
      if (room < icmp_header) return false;
      take_icmp(l4, tuple);
      return true;
    case protocol::tcp:
    case protocol::udp:
    case protocol::udplite:
    case protocol::sctp:
      if (room < 4) return false;
      take_ports(l4, tuple);
      return true;
    case protocol::gre:
      return take_gre(l4, room, tuple);
    default:
      return true;
  }
}

/// An ICMP error about it would be seen to quote nothing.
void quotes_nothing(Headers& h) noexcept { h.tuple.src = h.tuple.dst = {}; }

/// l4_offset, l3_length and the tuple's protocol are known; l4_offset is within both the packet and the
/// capture.
void parse_l4(const Frame& frame, Headers& h) noexcept {
  const uint32_t length = h.l4_length();
  const uint32_t room = std::min(frame.captured - h.l4_offset, length);
  const uint8_t* l4 = frame.bytes + h.l4_offset;
  if (h.tuple.protocol == protocol::tcp)
    parse_tcp(l4, room, length, h);
  else if (h.tuple.protocol == protocol::udp)
    parse_udp(l4, room, length, h);
  else
    parse_rest(h.tuple.protocol, l4, room, length, h);
  if (h.shape == Shape::malformed && !quoted_ports(l4, room, h.tuple)) quotes_nothing(h);
}

// --- IPv4 ---

void parse_ipv4(const Frame& frame, Headers& h) noexcept {
  const uint8_t* ip = frame.bytes + h.l3_offset;
  const uint32_t room = frame.captured - h.l3_offset, wire_room = frame.wire - h.l3_offset;
  if (room < ipv4_header) return refuse(h, Reason::short_ip);
  if (ip[0] >> 4 != 4) return refuse(h, Reason::bad_version);
  const uint32_t header = (ip[0] & 15) * 4u;
  if (header < ipv4_header || header > wire_room) return refuse(h, Reason::bad_header_length);
  if (header > room) return refuse(h, Reason::short_ip);
  uint32_t total = load_be16(ip + 2);
  h.no_length = total == 0 && ip[9] == protocol::tcp && (load_be16(ip + 6) & 0x3fff) == 0;
  if (h.no_length) total = wire_room;
  if (total < header || total > wire_room) return refuse(h, Reason::bad_total_length);
  h.l3_length = total;
  h.l4_offset = h.l3_offset + header;
  h.tuple.l3 = 4;
  h.tuple.protocol = ip[9];
  std::memcpy(h.tuple.src.data(), ip + 12, 4);
  std::memcpy(h.tuple.dst.data(), ip + 16, 4);
  h.fragment_id = load_be16(ip + 4);
  const uint16_t fragment = load_be16(ip + 6);
  if ((fragment & 0x3fff) != 0) {
    h.fragment_offset = static_cast<uint16_t>((fragment & 0x1fff) << 3);
    h.more_fragments = (fragment & 0x2000) != 0;
    h.shape = Shape::fragment;
    return;
  }
  parse_l4(frame, h);
}

// --- IPv6 ---

struct Jumbo {
  Reason reason;    // none: good, or there is no jumbo option
  uint32_t length;  // of the payload; 0: there is no jumbo option
};

/// Looks for the jumbo payload option (RFC 2675 2). `ip`: an IPv6 header
/// whose payload length is 0 and next header hop-by-hop.
Jumbo find_jumbo(const uint8_t* ip, uint32_t room, uint32_t wire_room) noexcept {
  constexpr uint8_t pad1 = 0, jumbo = 0xc2;
  if (room < ipv6_header + 8) return {Reason::short_ip, 0};
  const uint32_t end = ipv6_header + extension_length(protocol::hop_by_hop, ip + ipv6_header);
  if (end > room) return {end > wire_room ? Reason::bad_jumbo : Reason::short_ip, 0};
  uint32_t found = 0;
  for (uint32_t at = ipv6_header + 2; at < end;) {
    if (ip[at] == pad1) {
      ++at;
      continue;
    }
    if (end - at < 2 || ip[at + 1] + 2u > end - at) return {Reason::bad_jumbo, 0};
    if (ip[at] == jumbo) {
      if (ip[at + 1] != 4 || (at & 3) != 2) return {Reason::bad_jumbo, 0};
      found = load_be32(ip + at + 2);
      if (found <= 65535) return {Reason::none, 0};  // its sender may be told (hop_options.h)
      if (found > wire_room - ipv6_header) return {Reason::bad_jumbo, 0};
    }
    at += ip[at + 1] + 2u;
  }
  return {Reason::none, found};
}

/// Walks extension headers from h.l4_offset on, to the transport header or behind the header of a fragment.
/// False: refused, or there is no transport header.
bool skip_extensions(const Frame& frame, Headers& h) noexcept {
  const uint32_t packet_end = h.l3_offset + h.l3_length, end = std::min(frame.captured, packet_end);
  uint8_t next = h.tuple.protocol;
  uint32_t at = h.l4_offset;
  while (is_extension(next)) {
    const uint32_t least = next == protocol::fragment ? fragment_header : 2;
    if (end - at < least) return refuse(h, Reason::short_extension), quotes_nothing(h), false;
    const uint8_t* header = frame.bytes + at;
    const uint32_t length = extension_length(next, header);
    if (length > end - at) return refuse(h, Reason::short_extension), quotes_nothing(h), false;
    const bool is_fragment = next == protocol::fragment;
    next = header[0];
    at += length;
    if (!is_fragment) continue;
    const uint16_t offset = load_be16(header + 2);
    h.fragment_offset = offset & 0xfff8;
    h.more_fragments = (offset & 1) != 0;
    h.fragment_id = load_be32(header + 4);
    if (h.fragment_offset == 0 && !h.more_fragments) continue;
    h.shape = Shape::fragment;
    break;
  }
  h.l4_offset = at;
  h.tuple.protocol = next;
  if (h.shape == Shape::fragment) return false;
  if (next == protocol::no_next) h.shape = Shape::no_tuple;
  return next != protocol::no_next;
}

void parse_ipv6(const Frame& frame, Headers& h) noexcept {
  const uint8_t* ip = frame.bytes + h.l3_offset;
  const uint32_t room = frame.captured - h.l3_offset, wire_room = frame.wire - h.l3_offset;
  if (room < ipv6_header) return refuse(h, Reason::short_ip);
  if (ip[0] >> 4 != 6) return refuse(h, Reason::bad_version);
  uint32_t payload = load_be16(ip + 4);
  const uint8_t next = ip[6];
  if (payload == 0 && next == protocol::hop_by_hop) {
    const Jumbo jumbo = find_jumbo(ip, room, wire_room);
    if (jumbo.reason != Reason::none) return refuse(h, jumbo.reason);
    payload = jumbo.length != 0 ? jumbo.length : wire_room - ipv6_header;  // Linux ip6_rcv_core cuts nothing off then
  }
  h.no_length = payload == 0 && next == protocol::tcp;
  if (h.no_length) payload = wire_room - ipv6_header;
  if (payload > wire_room - ipv6_header) return refuse(h, Reason::bad_total_length);
  h.l3_length = ipv6_header + payload;
  h.l4_offset = h.l3_offset + ipv6_header;
  h.tuple.l3 = 6;
  h.tuple.protocol = next;
  std::memcpy(h.tuple.src.data(), ip + 8, 16);
  std::memcpy(h.tuple.dst.data(), ip + 24, 16);
  if ((is_extension(next) || next == protocol::no_next) && !skip_extensions(frame, h)) return;
  parse_l4(frame, h);
}

// --- link ---

/// VLAN tags from l3_offset on. False: refused or too many.
bool skip_tags(const Frame& frame, Headers& h) noexcept {
  while (h.ethertype == ethertype::vlan || h.ethertype == ethertype::service_vlan) {
    if (h.vlan_count == Headers::max_vlan_tags) {
      h.shape = Shape::not_ip;
      return false;
    }
    if (frame.captured - h.l3_offset < vlan_tag) return refuse(h, Reason::short_link), false;
    const uint8_t* tag = frame.bytes + h.l3_offset;
    if (h.vlan_count < h.vlan_tci.size()) h.vlan_tci[h.vlan_count] = load_be16(tag);
    ++h.vlan_count;
    h.ethertype = load_be16(tag + 2);
    h.l3_offset = static_cast<uint16_t>(h.l3_offset + vlan_tag);
  }
  return true;
}

/// Sets ethertype and l3_offset. False: refused or not IP.
bool parse_link(const Frame& frame, LinkType link, Headers& h) noexcept {
  const LinkPart part = link_part({frame.bytes, frame.captured}, link);
  if (part.reason != Reason::none) return refuse(h, part.reason), false;
  h.ethertype = part.ethertype;
  h.l3_offset = part.length;
  if (part.not_ip) h.shape = Shape::not_ip;
  return !part.not_ip && skip_tags(frame, h);
}

}  // namespace

Headers parse(std::span<const uint8_t> captured, uint32_t wire_length, LinkType link) noexcept {
  Headers h;
  const uint32_t size = static_cast<uint32_t>(std::min<size_t>(captured.size(), UINT32_MAX));
  const Frame frame{captured.data(), size, std::max(size, wire_length)};
  h.truncated = frame.captured < frame.wire;
  if (link == LinkType::ethernet && size >= ethernet_header &&
      load_raw<uint16_t>(frame.bytes + 12) == to_network(ethertype::ipv4)) [[likely]] {
    h.ethertype = ethertype::ipv4;
    h.l3_offset = ethernet_header;
    parse_ipv4(frame, h);
    return h;
  }
  if (!parse_link(frame, link, h)) return h;
  if (h.ethertype == ethertype::ipv4) {
    parse_ipv4(frame, h);
  } else if (h.ethertype == ethertype::ipv6) {
    parse_ipv6(frame, h);
  } else {
    h.shape = Shape::not_ip;
  }
  return h;
}

// --- quoted packets ---

namespace {

/// Offset of the quoted packet in the ICMP message `l4` of `room` bytes; 0: there is none.
uint32_t quoted_offset(const uint8_t* ip, const uint8_t* l4, uint32_t room, const Tuple& outer) noexcept {
  constexpr uint8_t redirect = 137, redirected_header = 4;
  if (outer.protocol != protocol::icmpv6 || outer.icmp_type() != redirect) return icmp_header;
  // RFC 4861 4.5, 8.1: code 0, hop limit 255, from a link-local address; the option must be the first one.
  const bool link_local = outer.src[0] == 0xfe && (outer.src[1] & 0xc0) == 0x80;
  if (outer.icmp_code() != 0 || ip[7] != 255 || !link_local || room < 48) return 0;
  if (l4[40] != redirected_header || l4[41] == 0) return 0;
  return 48;
}

/// Addresses, protocol and l4_offset of the quoted packet. Its length fields say nothing about what was quoted, and nobody
/// looks at its version and whether its header can be so short (ipv4_get_l4proto, ipv6_get_l4proto).
bool quoted_ipv4(const uint8_t* ip, uint32_t room, Headers& inner) noexcept {
  if (room < ipv4_header || (load_be16(ip + 6) & 0x1fff) != 0) return false;
  inner.l4_offset = (ip[0] & 15) * 4u;
  inner.tuple.protocol = ip[9];
  std::memcpy(inner.tuple.src.data(), ip + 12, 4);
  std::memcpy(inner.tuple.dst.data(), ip + 16, 4);
  return inner.l4_offset <= room;
}

bool quoted_ipv6(const uint8_t* ip, uint32_t room, Headers& inner) noexcept {
  if (room < ipv6_header) return false;
  inner.l4_offset = ipv6_header;
  inner.l3_length = room;
  inner.tuple.protocol = ip[6];
  std::memcpy(inner.tuple.src.data(), ip + 8, 16);
  std::memcpy(inner.tuple.dst.data(), ip + 24, 16);
  return skip_extensions(Frame{ip, room, room}, inner) || inner.first_fragment();
}

}  // namespace

bool has_tuple(uint8_t protocol, std::span<const uint8_t> l4) noexcept {
  Tuple tuple;
  tuple.protocol = protocol;
  return quoted_ports(l4.data(), static_cast<uint32_t>(l4.size()), tuple);
}

std::optional<Tuple> quoted_tuple(std::span<const uint8_t> captured, const Headers& headers) noexcept {
  if (headers.shape != Shape::ip || tracking(headers.tuple) != Tracking::error) return std::nullopt;
  const uint8_t* l4 = captured.data() + headers.l4_offset;
  const uint32_t room =
      std::min(static_cast<uint32_t>(captured.size()) - headers.l4_offset, headers.l4_length());
  const uint32_t offset = quoted_offset(captured.data() + headers.l3_offset, l4, room, headers.tuple);
  if (offset == 0) return std::nullopt;
  const uint8_t* ip = l4 + offset;
  Headers inner;
  inner.tuple.l3 = headers.tuple.l3;
  const bool good =
      headers.tuple.l3 == 4 ? quoted_ipv4(ip, room - offset, inner) : quoted_ipv6(ip, room - offset, inner);
  if (!good || !quoted_ports(ip + inner.l4_offset, room - offset - inner.l4_offset, inner.tuple))
    return std::nullopt;
  if (inner.tuple.src != headers.tuple.dst) return std::nullopt;
  return inner.tuple;
}

}  // namespace bulkhead::packet