#include "common/packet/fragment.h"

#include <algorithm>

#include "common/packet/ip_header.h"

namespace bulkhead::packet {
namespace {

using ip_header::kIpv6;

uint8_t ecn_bit(unsigned traffic_class) { return static_cast<uint8_t>(1 << (traffic_class & 3)); }

Fragment fragment4(const uint8_t* ip, const Headers& headers) {
  Fragment fragment;
  uint16_t const field = load_be16(ip + 6);
  fragment.key = {headers.tuple.src, headers.tuple.dst, load_be16(ip + 4), 0, 4, ip[9]};
  fragment.l3_at = headers.l3_offset;
  fragment.payload_at = headers.l3_offset + (ip[0] & 15U) * 4;
  fragment.size = headers.l3_length;
  fragment.offset = (field & 0x1fffU) << 3;
  fragment.end = fragment.offset + headers.l3_length - fragment.header_length();
  fragment.more = (field & 0x2000) != 0;
  fragment.dont_fragment = (field & 0x4000) != 0;
  fragment.ecn = ecn_bit(ip[1]);
  return fragment;
}

/// A part of an IPv6 packet's chain of headers.
struct Place {
  uint32_t at;    // from the packet's first byte
  uint32_t name;  // the byte that says what stands there
};

/// Linux find_prev_fhdr: the fragment header, which need not be whole. `packet`: as far as IP says.
std::optional<Place> find_fragment_header(std::span<const uint8_t> packet) {
  Place place{kIpv6, 6};
  while (packet[place.name] != protocol::fragment) {
    uint8_t const number = packet[place.name];
    if (!is_extension(number) || place.at + 2 > packet.size()) return std::nullopt;
    place = {place.at + extension_length(number, packet.data() + place.at), place.at};
  }
  if (place.at > packet.size()) return std::nullopt;
  return place;
}

/// Linux ipv6frag_thdr_truncated, of a first fragment: does it end before the transport header does (RFC 8200 4.5)?
bool lacks_headers(std::span<const uint8_t> packet, uint32_t at, uint8_t number) {
  while (is_extension(number)) {
    if (at + 2 > packet.size()) return false;
    uint8_t const next = packet[at];
    if (number == protocol::fragment) {
      if (at + 4 > packet.size()) return false;
      if ((load_be16(packet.data() + at + 2) & 0xfff8) != 0) return false;
    }
    at += extension_length(number, packet.data() + at);
    number = next;
  }
  if (number == protocol::no_next) return false;
  uint32_t const least = number == protocol::tcp                                 ? 20
                         : number == protocol::udp || number == protocol::icmpv6 ? 8
                                                                                 : 1;
  return at + least > packet.size();
}

bool is_of_one_link(const std::array<uint8_t, 16>& to) { return to[0] == 0xff || (to[0] == 0xfe && (to[1] & 0xc0) == 0x80); }

std::optional<Fragment> fragment6(std::span<const uint8_t> packet, const Headers& headers, uint16_t device) {
  const uint8_t* const ip = packet.data();
  uint32_t const payload = load_be16(ip + 4);
  if (payload == 0) return std::nullopt;
  auto const place = find_fragment_header(packet);
  if (!place || lacks_headers(packet, place->at, protocol::fragment)) return std::nullopt;
  Fragment fragment;
  fragment.l3_at = headers.l3_offset;
  fragment.broken = place->at + ip_header::kFragment6 > packet.size();
  if (fragment.broken) return fragment;
  const uint8_t* const header = ip + place->at;
  uint16_t const field = load_be16(header + 2);
  fragment.key = {headers.tuple.src, headers.tuple.dst, load_be32(header + 4),
                  static_cast<uint16_t>(is_of_one_link(headers.tuple.dst) ? device + 1 : 0), 6, 0};
  fragment.payload_at = headers.l3_offset + place->at + ip_header::kFragment6;
  fragment.next_header_at = headers.l3_offset + place->name;
  fragment.size = static_cast<uint32_t>(kIpv6) + payload;
  fragment.offset = field & 0xfff8U;
  fragment.end = fragment.offset + fragment.size - place->at - ip_header::kFragment6;
  fragment.more = (field & 1) != 0;
  fragment.ecn = ecn_bit(ip[1] >> 4);
  return fragment;
}

}  // namespace

std::optional<Fragment> fragment_of(std::span<const uint8_t> captured, const Headers& headers, uint16_t device) noexcept {
  if (headers.shape == Shape::not_ip || headers.l3_offset >= captured.size()) return std::nullopt;
  auto const packet = captured.subspan(headers.l3_offset).first(
      std::min<size_t>(captured.size() - headers.l3_offset, headers.l3_length));
  uint8_t const l3 = ip_header::version(packet);
  if (l3 == 4 && headers.shape == Shape::fragment) return fragment4(packet.data(), headers);
  return l3 == 6 ? fragment6(packet, headers, device) : std::nullopt;
}

}  // namespace bulkhead::packet