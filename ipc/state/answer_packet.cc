#include "ipc/state/answer_packet.h"

#include <algorithm>

#include "common/packet/icmp.h"
#include "common/packet/internet_checksum.h"
#include "common/packet/ip_header.h"

namespace bulkhead::state {
namespace {

using packet::ip_header::kIpv4, packet::ip_header::kIpv6;
constexpr size_t kIcmp = 8, kTcp = 20;
constexpr size_t kQuoted4Most = 576 - kIpv4 - kIcmp;          // RFC 1812 4.3.2.3
constexpr size_t kQuoted6Most = kAnswerMost - kIpv6 - kIcmp;  // RFC 4443 2.4 (c)
constexpr uint8_t kHops = 64;                                 // net.ipv4.ip_default_ttl, IPV6_DEFAULT_HOPLIMIT
constexpr uint8_t kInternetControl = 0xc0;                    // precedence of ICMP errors, RFC 1812 4.3.2.5

void quote(uint8_t* to, std::span<const uint8_t> packet, const chain::Descriptor& descriptor) {
  std::ranges::copy(packet, to);
  if (chain::has_to_pass_hop(descriptor)) packet::ip_header::pass_hop(to);
}

/// An identification that nobody can foresee without the number; the kernel's is random too.
uint16_t identification(uint64_t number) { return static_cast<uint16_t>(number * 0x9e3779b97f4a7c15U >> 48); }

struct NetworkFields {
  std::span<const uint8_t> options{};  // IPv4, as the next three
  uint8_t tos = 0;
  uint16_t id = 0;
  bool dont_fragment = false;
};

/// Into zeroed bytes.
void network_header(uint8_t* ip, const IpAddress& from, const IpAddress& to, uint8_t number, size_t payload, const NetworkFields& fields) {
  if (from.l3 == 4) {
    size_t const header = kIpv4 + fields.options.size();
    ip[0] = static_cast<uint8_t>(0x40 | header / 4);
    ip[1] = fields.tos;
    store_be16(ip + 2, static_cast<uint16_t>(header + payload));
    store_be16(ip + 4, fields.id);
    if (fields.dont_fragment) ip[6] = 0x40;
    ip[8] = kHops;
    ip[9] = number;
    std::memcpy(ip + 12, from.bytes.data(), 4);
    std::memcpy(ip + 16, to.bytes.data(), 4);
    std::ranges::copy(fields.options, ip + kIpv4);
    packet::ip_header::renew_checksum({ip, header});
    return;
  }
  ip[0] = 0x60;
  store_be16(ip + 4, static_cast<uint16_t>(payload));
  ip[6] = number;
  ip[7] = kHops;
  std::ranges::copy(from.bytes, ip + 8);
  std::ranges::copy(to.bytes, ip + 24);
}

/// What the IPv4 header of an ICMP error repeats.
std::span<const uint8_t> options_of(const Answer& answer) {
  bool const there = answer.source.l3 == 4 && answer.kind == Answer::Kind::icmp && answer.options_length % 4 == 0;
  return std::span(answer.options).first(there ? std::min<size_t>(answer.options_length, answer.options.size()) : 0);
}

size_t icmp_error(const Answer& answer, const chain::Descriptor& descriptor, std::span<const uint8_t> refused, uint8_t* ip) {
  bool const v4 = answer.source.l3 == 4;
  auto const options = options_of(answer);
  size_t const most = std::min<size_t>(descriptor.l3_length, v4 ? kQuoted4Most - options.size() : kQuoted6Most);
  size_t const header = header_length(answer);
  auto const quoted = refused.first(std::min(refused.size(), most));
  IpAddress const to = packet::ip_header::source(quoted.data(), answer.source.l3);
  auto const length = static_cast<uint16_t>(kIcmp + quoted.size());
  std::fill_n(ip, header + kIcmp, uint8_t{0});
  if (v4)
    network_header(ip, answer.source, to, packet::protocol::icmp, length,
                   {.options = options, .tos = static_cast<uint8_t>((quoted[1] & 0x1e) | kInternetControl), .id = identification(descriptor.number)});
  else
    network_header(ip, answer.source, to, packet::protocol::icmpv6, length, {});
  uint8_t* const message = ip + header;
  message[0] = answer.type;
  message[1] = answer.code;
  store_be32(message + 4, answer.info);
  quote(message + kIcmp, quoted, descriptor);
  uint64_t const pseudo = v4 ? 0 : packet::checksum_add({ip + 8, 32}, to_network(length)) + to_network(uint16_t{packet::protocol::icmpv6});
  store_raw(message + 2, packet::checksum_fold(packet::checksum_add({message, length}, pseudo)));
  return header + length;
}

size_t tcp_reset(const Answer& answer, const chain::Descriptor& descriptor, std::span<const uint8_t> refused, uint8_t* ip) {
  constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  size_t const l4 = size_t{descriptor.l4_offset} - descriptor.l3_offset;
  if (descriptor.l4_offset <= descriptor.l3_offset || l4 + kTcp > refused.size() || l4 + kTcp > descriptor.l3_length) return 0;
  const uint8_t* const segment = refused.data() + l4;
  uint8_t const l3 = answer.source.l3;
  size_t const header = l3 == 4 ? kIpv4 : kIpv6;
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
  network_header(ip, answer.source, packet::ip_header::source(refused.data(), l3), packet::protocol::tcp, kTcp, {.dont_fragment = true});
  uint64_t const pseudo = packet::checksum_add({ip + (l3 == 4 ? 12U : 8U), l3 == 4 ? 8U : 32U}, to_network(uint16_t{kTcp}));
  store_raw(tcp + 16, packet::checksum_fold(packet::checksum_add({tcp, kTcp}, pseudo + to_network(uint16_t{packet::protocol::tcp}))));
  return header + kTcp;
}

}  // namespace

size_t header_length(const Answer& answer) noexcept { return answer.source.l3 == 4 ? kIpv4 + options_of(answer).size() : kIpv6; }

size_t make_answer(const Answer& answer, const chain::Descriptor& descriptor, std::span<const uint8_t> refused, std::span<uint8_t> into) noexcept {
  uint8_t const l3 = packet::ip_header::version(refused);
  if (answer.number != descriptor.number || l3 == 0 || answer.source.l3 != l3 || into.size() < kAnswerMost) return 0;
  bool const error = answer.kind == Answer::Kind::icmp;
  if (!error && answer.kind != Answer::Kind::tcp_reset) return 0;
  size_t const length = error ? icmp_error(answer, descriptor, refused, into.data()) : tcp_reset(answer, descriptor, refused, into.data());
  if (length == 0 || answer.what.outer == 0) return length;
  uint8_t const number = !error ? packet::protocol::tcp : l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6;
  packet::rewrite(into.first(length), number, header_length(answer), answer.what);
  return length;
}

}  // namespace bulkhead::state