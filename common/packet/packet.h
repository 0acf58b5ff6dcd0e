// common/packet/packet.h: finds the headers of a captured packet and the tuple that names its flow.
//
// Who     pktio calls parse() once for each packet; the tuple and offsets go on in the descriptor.
// Units   offsets and lengths: bytes, offsets from the first captured byte of the frame.
// Order   Tuple ports, identifiers: network order (as in the packet). Everything else: host order.
// Trust   any bytes whatever are safe. Every offset is within the captured bytes (l4_offset may equal their
//         number where the packet has no layer 4 payload). l3_length may pass their end: see truncated.
//         Checksums, addresses and TCP flags are not looked at here.
// Errors  none: shape and reason say what a packet is. noexcept, no allocation.
// Source  RFC 791, 8200 (IPv6), 2675 (jumbograms), 4302 (AH), 792, 4443, 9293,
//         768, IEEE 802.1Q; what is malformed and what a tuple holds follow
//         Linux: ip_rcv, br_validate_ipv6, ipv6_skip_exthdr, nf_ct_get_tuple,
//         *_error.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/bytes.h"

namespace bulkhead::packet {

/// Values stand in what processes share (PktioState::link). The last one is only read (common/packet/link.h).
enum class LinkType : uint16_t { ethernet, raw_ip, linux_cooked_v1, linux_cooked_v2, bsd_null, bsd_loop, ppp, ppp_serial, cisco_hdlc, nflog };

/// From a DLT_ or LINKTYPE_ number (they agree for these but for raw IP, whose numbers are all taken).
[[nodiscard]] std::optional<LinkType> link_type_of(int dlt) noexcept;
/// The LINKTYPE_ number to write into a file (raw_ip: 101).
[[nodiscard]] int linktype_number(LinkType link) noexcept;
[[nodiscard]] std::string_view name_of(LinkType link) noexcept;

namespace protocol {  // IP protocol numbers that the parser knows
inline constexpr uint8_t hop_by_hop = 0, icmp = 1, tcp = 6, udp = 17, routing = 43, fragment = 44, gre = 47,
                         esp = 50, ah = 51, icmpv6 = 58, no_next = 59, destination = 60, sctp = 132, udplite = 136;
}  // namespace protocol

/// IPv6 extension headers, which are passed over on the way to the transport (RFC 8200 4).
[[nodiscard]] constexpr bool is_extension(uint8_t number) noexcept {
  return number == protocol::hop_by_hop || number == protocol::routing || number == protocol::fragment ||
         number == protocol::ah || number == protocol::destination;
}
/// Bytes of the one at `header`, of which two can be read.
[[nodiscard]] constexpr uint32_t extension_length(uint8_t number, const uint8_t* header) noexcept {
  if (number == protocol::fragment) return 8;
  if (number == protocol::ah) return (header[1] + 2U) * 4;
  return (header[1] + 1U) * 8;
}

namespace ethertype {
inline constexpr uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, service_vlan = 0x88a8;
}  // namespace ethertype

/// One direction of a flow. 40 bytes without holes, so it can be hashed and compared as memory.
/// ICMP and ICMPv6 as in nf_conntrack_tuple: src_port is the identifier (whatever lies there, for types
/// without one), the first byte of dst_port is the type, the second the code; the reply has the inverse type
/// and the same identifier. GRE version 1: dst_port is the call id. Protocols
/// without ports, and DCCP, which Linux tracks no more (6.17): both 0.
struct alignas(8) Tuple {
  std::array<uint8_t, 16> src{};  // IPv4: the first 4 bytes, then zeros
  std::array<uint8_t, 16> dst{};
  uint16_t src_port = 0;  // network order
  uint16_t dst_port = 0;  // network order
  uint8_t l3 = 0;         // 4 or 6
  uint8_t protocol = 0;   // after IPv6 extension headers
  uint16_t zone = 0;      // conntrack zone; parse() leaves 0

  [[nodiscard]] uint16_t source_port() const noexcept { return from_network(src_port); }
  [[nodiscard]] uint16_t destination_port() const noexcept { return from_network(dst_port); }
  [[nodiscard]] uint16_t icmp_id() const noexcept { return from_network(src_port); }
  [[nodiscard]] uint8_t icmp_type() const noexcept {
    return static_cast<uint8_t>(from_network(dst_port) >> 8);
  }
  [[nodiscard]] uint8_t icmp_code() const noexcept {
    return static_cast<uint8_t>(from_network(dst_port) & 0xff);
  }
  [[nodiscard]] bool is_icmp() const noexcept {
    return protocol == protocol::icmp || protocol == protocol::icmpv6;
  }
  friend bool operator==(const Tuple&, const Tuple&) = default;
};
static_assert(sizeof(Tuple) == 40);

/// Where a packet's flow is looked for: among those of zone `original` as they begin, among the answers of those of `reply`.
struct Zones {
  uint16_t original = 0, reply = 0;
  bool operator==(const Zones&) const = default;
};

/// The tuple of the other direction; none for ICMP types without an answer. inverse(inverse(t)) == t.
[[nodiscard]] std::optional<Tuple> inverse(const Tuple& tuple) noexcept;

/// What a connection tracker may do with a tuple (Linux: nf_conntrack_icmp*_error and *_packet).
enum class Tracking : uint8_t {
  flow,       // may begin a flow, or belong to one
  answer,     // ICMP reply: belongs to a flow or is invalid, never NEW
  error,      // ICMP error (or ICMPv6 redirect): RELATED to the flow that it quotes, or invalid; see
              // quoted_tuple()
  untracked,  // ICMPv6 neighbour discovery and multicast listener: stateless
  invalid,    // never part of a flow: unknown ICMP types, ICMP of the other family
};
[[nodiscard]] Tracking tracking(const Tuple& tuple) noexcept;

enum class Shape : uint8_t {
  ip,         // tuple valid
  fragment,   // a part of an IP packet: addresses, l3, protocol of the tuple valid, ports 0. (An IPv6 packet
              // in one single "atomic" fragment is shape ip.)
  no_tuple,   // good IPv6 packet that says "no next header", or GRE version 1 that is not PPTP: state invalid
  not_ip,     // ARP and anything else: passes a bridge without tracking; ethertype says what
  malformed,  // reason says why. At the transport: tuple as an ICMP error about it would be seen to quote it, of no addresses
              // where that is nothing
};

enum class Reason : uint8_t {
  none,
  // Below the transport: Linux drops these before netfilter, whatever the rules say.
  short_link,         // ends within the link header or a VLAN tag
  short_ip,           // ends within the IP header
  bad_version,        // IP version is not that of the ethertype, or neither 4 nor 6
  bad_header_length,  // IPv4 header length below 20 or beyond the packet
  bad_total_length,   // IP says more than was on the wire, or less than its header
  bad_jumbo,  // hop-by-hop options of an IPv6 packet with payload length 0 that RFC 2675 does not allow
  // At the transport: Linux passes these to the rules as state invalid.
  short_extension,      // an IPv6 extension header does not fit
  short_l4,             // ends within the transport header
  bad_tcp_data_offset,  // below 20 or beyond the packet
  bad_udp_length,       // below 8 or beyond the packet; UDP-Lite: coverage so
};
inline constexpr unsigned reason_count = 11;
[[nodiscard]] std::string_view name_of(Reason reason) noexcept;
/// True for the reasons for which Linux drops a packet before netfilter sees it.
[[nodiscard]] constexpr bool below_transport(Reason reason) noexcept {
  return Reason::short_link <= reason && reason <= Reason::bad_jumbo;
}

struct Headers {
  Tuple tuple;             // see Shape
  uint32_t l4_offset = 0;  // shapes ip, fragment, no_tuple: first byte behind IP header and extensions
  uint32_t l3_length =
      0;  // IP header, extensions and payload, as IP says (link padding left out); 0: not known
  uint32_t fragment_id = 0;      // host order; IPv4: 16 bits
  uint16_t fragment_offset = 0;  // bytes into the payload, a multiple of 8
  uint16_t l3_offset = 0;        // behind link header and VLAN tags
  uint16_t ethertype = 0;        // innermost; below 1536 on Ethernet: a length (IEEE 802.3)
  std::array<uint16_t, 2>
      vlan_tci{};          // of the first two tags, outermost first: PCP 3 bits, DEI 1, VLAN id 12
  uint8_t vlan_count = 0;  // tags passed over, at most max_vlan_tags
  Shape shape = Shape::malformed;
  Reason reason = Reason::none;
  bool more_fragments = false;
  bool truncated = false;  // captured < on the wire: what stands between the two is not there to be read
  bool no_length = false;  // TCP: IP says 0, and leaves it to the sender's card (TSO); l3_length is the frame's

  static constexpr unsigned max_vlan_tags = 8;  // a ninth makes the frame not_ip (as Linux: VLAN_MAX_DEPTH)

  [[nodiscard]] bool first_fragment() const noexcept {
    return shape == Shape::fragment && fragment_offset == 0;
  }
  /// IP header with its options or extension headers; shapes ip, fragment, no_tuple.
  [[nodiscard]] uint32_t l3_header_length() const noexcept { return l4_offset - l3_offset; }
  /// Transport header and payload as IP says; may pass the captured bytes if truncated.
  [[nodiscard]] uint32_t l4_length() const noexcept { return l3_length - l3_header_length(); }
};
static_assert(sizeof(Headers) == 72);

/// `wire_length`: bytes on the wire; taken as captured.size() where it is less.
/// For shape ip the whole transport header was captured: 20 bytes for TCP (options perhaps not), 8 for UDP,
/// UDP-Lite, ICMP and ICMPv6, 12 for SCTP, nothing for others.
[[nodiscard]] Headers parse(std::span<const uint8_t> captured, uint32_t wire_length, LinkType link) noexcept;

/// Does a packet of this protocol have a tuple to Linux' nf_ct_get_tuple, whatever else is wrong with it?
[[nodiscard]] bool has_tuple(uint8_t protocol, std::span<const uint8_t> l4) noexcept;

/// The tuple of the packet that an ICMP error (or ICMPv6 redirect, out of its option) quotes, in the
/// direction in which that packet went. `headers` is parse(captured, ...) with tracking(tuple) == error. 4
/// bytes of its transport header are enough (RFC 792 quotes 8); none if fewer, if it was a later fragment, or if the
/// error goes to another address than the quoted packet came from (Linux: nf_conntrack_inet_error).
[[nodiscard]] std::optional<Tuple> quoted_tuple(std::span<const uint8_t> captured,
                                                const Headers& headers) noexcept;

}  // namespace bulkhead::packet