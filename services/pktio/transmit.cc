#include "services/pktio/transmit.h"

#include <algorithm>

#include "common/icmp.h"
#include "common/ip_header.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kEthernet = 14, kCookedV1 = 16, kCookedV2 = 20;  // bytes of link headers
using ip_header::kIpv4, ip_header::kIpv6;
constexpr size_t kIcmp = 8, kTcp = 20;
constexpr size_t kQuoted4Most = 576 - kIpv4 - kIcmp;  // RFC 1812 4.3.2.3
constexpr size_t kQuoted6Most = 1280 - kIpv6 - kIcmp;  // RFC 4443 2.4 (c)
constexpr uint8_t kHops = 64;                         // net.ipv4.ip_default_ttl, IPV6_DEFAULT_HOPLIMIT
constexpr uint8_t kInternetControl = 0xc0;            // precedence of ICMP errors, RFC 1812 4.3.2.5
constexpr uint8_t kOutgoing = 4;                      // packet type of cooked captures
constexpr uint8_t kArphrdEthernet = 1;

/// One that rules have edited has passed the router already, in their copy.
bool has_to_pass_hop(const Descriptor& descriptor) {
  return (descriptor.orders & (Orders::routed | Orders::edited)) == Orders::routed;
}

/// A packet that had found its way is quoted with one hop less.
void quote(uint8_t* to, std::span<const uint8_t> packet, const Descriptor& descriptor) {
  std::ranges::copy(packet, to);
  if (has_to_pass_hop(descriptor)) ip_header::pass_hop(to);
}

/// An identification that nobody can foresee without the number; the kernel's is random too.
uint16_t identification(uint64_t number) { return static_cast<uint16_t>(number * 0x9e3779b97f4a7c15U >> 48); }

void rewrite_packet(std::span<uint8_t> packet, const Descriptor& descriptor, const Rewriting& what) {
  uint8_t const l3 = ip_header::version(packet);
  if (l3 == 0) return;
  // The tuple of an ICMP error is the quoted packet's.
  uint8_t const number = descriptor.quote == Quote::none ? descriptor.tuple.protocol
                         : l3 == 4                       ? protocol::icmp
                                                         : protocol::icmpv6;
  bool const has_transport = descriptor.l4_offset > descriptor.l3_offset && !ip_header::is_later_fragment(packet.data());
  rewrite(packet, number, has_transport ? size_t{descriptor.l4_offset} - descriptor.l3_offset : 0, what);
}

}  // namespace

Transmit::Transmit(const Topology& topology) : topology_(topology), routes_(topology_), neighbours_(topology_) {}

size_t Transmit::link_header(const Hop& hop) {
  const Way& way = routes_.way(hop.way);
  const Mac& own = topology_.interfaces[hop.out].mac;
  uint16_t const type = hop.destination.l3 == 4 ? ethertype::ipv4 : ethertype::ipv6;
  uint8_t* const to = buffer_.data();
  switch (link_) {
    case LinkType::ethernet: {
      Mac const next = neighbours_.mac_of(way.via.is_none() ? hop.destination : way.via, hop.out);
      std::ranges::copy(next, to);
      std::ranges::copy(own, to + 6);
      store_be16(to + 12, type);
      return kEthernet;
    }
    case LinkType::linux_cooked_v1:
      std::fill_n(to, kCookedV1, uint8_t{0});
      to[1] = kOutgoing;
      to[3] = kArphrdEthernet;
      to[5] = static_cast<uint8_t>(own.size());
      std::ranges::copy(own, to + 6);
      store_be16(to + 14, type);
      return kCookedV1;
    case LinkType::linux_cooked_v2:
      std::fill_n(to, kCookedV2, uint8_t{0});
      store_be16(to, type);
      to[7] = static_cast<uint8_t>(hop.out + 1);
      to[9] = kArphrdEthernet;
      to[10] = kOutgoing;
      to[11] = static_cast<uint8_t>(own.size());
      std::ranges::copy(own, to + 12);
      return kCookedV2;
    default: return 0;
  }
}

Transmit::Frame Transmit::translated(const Descriptor& descriptor, const Frame& frame, const Rewriting& what) {
  size_t const at = std::min<size_t>(descriptor.l3_offset, frame.captured.size());
  buffer_.assign(frame.captured.begin(), frame.captured.end());
  size_t const length = std::min<size_t>(frame.captured.size() - at, descriptor.l3_length);
  rewrite_packet(std::span(buffer_).subspan(at, length), descriptor, what);
  return {buffer_, frame.wire, frame.link};
}

Transmit::Frame Transmit::routed(const Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t wire,
                                 const Rewriting* what) {
  size_t const at = descriptor.l3_offset;
  if (at >= frame.size() || descriptor.out >= topology_.interfaces.size()) return {};
  uint8_t const l3 = ip_header::version(frame.subspan(at));
  if (l3 == 0) return {};
  uint32_t const length = std::min(descriptor.l3_length, wire - static_cast<uint32_t>(at));
  auto const packet = frame.subspan(at, std::min<size_t>(frame.size() - at, length));
  buffer_.resize(kCookedV2 + packet.size());
  IpAddress destination = ip_header::destination(packet.data(), l3);
  if (what != nullptr && (what->outer & Rewriting::destination) != 0) destination.bytes = what->to.dst;
  size_t const header = link_header({descriptor.out, descriptor.way, destination});
  std::ranges::copy(packet, buffer_.data() + header);
  if (what != nullptr) rewrite_packet(std::span(buffer_).subspan(header, packet.size()), descriptor, *what);
  if (has_to_pass_hop(descriptor)) ip_header::pass_hop(buffer_.data() + header);
  return {std::span(buffer_).first(header + packet.size()), static_cast<uint32_t>(header) + length, static_cast<uint32_t>(header)};
}

Transmit::Frame Transmit::answer(const Answer& answer, const Descriptor& descriptor,
                                 std::span<const uint8_t> frame) {
  size_t const at = descriptor.l3_offset;
  bool const sound = answer.number == descriptor.number && answer.out < topology_.interfaces.size() &&
                     at < frame.size() && ip_header::version(frame.subspan(at)) != 0 && answer.source.l3 == frame[at] >> 4;
  if (!sound) return {};
  auto const packet = frame.subspan(at);
  switch (answer.kind) {
    case Answer::Kind::icmp: return icmp(answer, descriptor, packet);
    case Answer::Kind::tcp_reset: return reset(answer, descriptor, packet);
    default: return {};
  }
}

Transmit::Frame Transmit::icmp(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> packet) {
  uint8_t const l3 = answer.source.l3;
  size_t const most = std::min<size_t>(descriptor.l3_length, l3 == 4 ? kQuoted4Most : kQuoted6Most);
  auto const quoted = packet.first(std::min(packet.size(), most));
  IpAddress const to = ip_header::source(quoted.data(), l3);
  buffer_.resize(kCookedV2 + kIpv6 + kIcmp + quoted.size());
  header_ = link_header({answer.out, answer.way, to});
  size_t const length = (l3 == 4 ? kIpv4 : kIpv6) + kIcmp + quoted.size();
  if (l3 == 4) {
    icmp4(answer, descriptor, quoted, to);
  } else {
    icmp6(answer, descriptor, quoted, to);
  }
  return {std::span(buffer_).first(header_ + length), static_cast<uint32_t>(header_ + length)};
}

Transmit::Frame Transmit::reset(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> packet) {
  constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  size_t const l4 = size_t{descriptor.l4_offset} - descriptor.l3_offset;
  if (descriptor.l4_offset <= descriptor.l3_offset || l4 + kTcp > packet.size() || l4 + kTcp > descriptor.l3_length)
    return {};
  const uint8_t* const segment = packet.data() + l4;
  uint8_t const l3 = answer.source.l3;
  IpAddress const to = ip_header::source(packet.data(), l3);
  size_t const header = l3 == 4 ? kIpv4 : kIpv6;
  buffer_.assign(kCookedV2 + header + kTcp, 0);
  header_ = link_header({answer.out, answer.way, to});
  uint8_t* const ip = buffer_.data() + header_;
  std::fill_n(ip, header + kTcp, uint8_t{0});
  uint8_t* const tcp = ip + header;
  store_raw(tcp, load_raw<uint16_t>(segment + 2));
  store_raw(tcp + 2, load_raw<uint16_t>(segment));
  tcp[12] = (kTcp / 4) << 4;
  tcp[13] = kRst;
  uint8_t const flags = segment[13];
  if ((flags & kAck) != 0) {
    store_raw(tcp + 4, load_raw<uint32_t>(segment + 8));
  } else {
    uint32_t const payload = descriptor.l3_length - static_cast<uint32_t>(l4) - (segment[12] >> 4) * 4U;
    tcp[13] |= kAck;
    store_be32(tcp + 8, load_be32(segment + 4) + ((flags & kSyn) != 0) + ((flags & kFin) != 0) + payload);
  }
  network_header(answer.source, to, protocol::tcp, kTcp, {.dont_fragment = true});
  uint64_t const pseudo = checksum_add({ip + (l3 == 4 ? 12U : 8U), l3 == 4 ? 8U : 32U}, to_network(uint16_t{kTcp}));
  store_raw(tcp + 16, checksum_fold(checksum_add({tcp, kTcp}, pseudo + to_network(uint16_t{protocol::tcp}))));
  return {std::span(buffer_).first(header_ + header + kTcp), static_cast<uint32_t>(header_ + header + kTcp)};
}

void Transmit::network_header(const IpAddress& from, const IpAddress& to, uint8_t number, size_t payload,
                              const NetworkFields& fields) {
  uint8_t* const ip = buffer_.data() + header_;
  if (from.l3 == 4) {
    ip[0] = 0x45;
    ip[1] = fields.tos;
    store_be16(ip + 2, static_cast<uint16_t>(kIpv4 + payload));
    store_be16(ip + 4, fields.id);
    if (fields.dont_fragment) ip[6] = 0x40;
    ip[8] = kHops;
    ip[9] = number;
    std::memcpy(ip + 12, from.bytes.data(), 4);
    std::memcpy(ip + 16, to.bytes.data(), 4);
    store_raw(ip + 10, checksum_fold(checksum_add({ip, kIpv4})));
    return;
  }
  ip[0] = 0x60;
  store_be16(ip + 4, static_cast<uint16_t>(payload));
  ip[6] = number;
  ip[7] = kHops;
  std::ranges::copy(from.bytes, ip + 8);
  std::ranges::copy(to.bytes, ip + 24);
}

void Transmit::icmp4(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> quoted,
                     const IpAddress& to) {
  uint8_t* const ip = buffer_.data() + header_;
  std::fill_n(ip, kIpv4 + kIcmp, uint8_t{0});
  network_header(answer.source, to, protocol::icmp, kIcmp + quoted.size(),
                 {.tos = static_cast<uint8_t>((quoted[1] & 0x1e) | kInternetControl), .id = identification(descriptor.number)});
  uint8_t* const message = ip + kIpv4;
  message[0] = answer.type;
  message[1] = answer.code;
  store_be32(message + 4, answer.info);
  quote(message + kIcmp, quoted, descriptor);
  store_raw(message + 2, checksum_fold(checksum_add({message, kIcmp + quoted.size()})));
}

void Transmit::icmp6(const Answer& answer, const Descriptor& descriptor, std::span<const uint8_t> quoted,
                     const IpAddress& to) {
  uint8_t* const ip = buffer_.data() + header_;
  std::fill_n(ip, kIpv6 + kIcmp, uint8_t{0});
  auto const length = static_cast<uint16_t>(kIcmp + quoted.size());
  network_header(answer.source, to, protocol::icmpv6, length, {});
  uint8_t* const message = ip + kIpv6;
  message[0] = answer.type;
  message[1] = answer.code;
  store_be32(message + 4, answer.info);
  quote(message + kIcmp, quoted, descriptor);
  uint64_t sum = checksum_add({ip + 8, 32}, to_network(length));
  sum += to_network(uint16_t{protocol::icmpv6});
  store_raw(message + 2, checksum_fold(checksum_add({message, length}, sum)));
}

}  // namespace bulkhead::pktio
