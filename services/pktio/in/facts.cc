#include "services/pktio/in/facts.h"

#include <algorithm>

#include "common/packet/checksum.h"
#include "common/packet/hop_options.h"
#include "common/packet/ip_header.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kTcpFlags = 13;  // offset in the TCP header
constexpr std::array<uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

void drop(chain::Descriptor& descriptor, chain::DropReason reason) {
  descriptor.shape = packet::Shape::malformed;
  descriptor.verdict = chain::Verdict::drop;
  descriptor.reason = reason;
  descriptor.state = chain::FlowState::invalid;
}

/// What conntrack wants to know without looking at the bytes.
void take_facts(std::span<const uint8_t> bytes, const packet::Headers& headers, chain::Descriptor& descriptor) {
  if (packet::verify_checksum(bytes, headers) == packet::Checksum::bad) descriptor.facts |= chain::Facts::bad_checksum;
  if (headers.tuple.protocol == packet::protocol::tcp) {
    descriptor.tcp_flags = bytes[headers.l4_offset + kTcpFlags];
    descriptor.tcp = packet::tcp_facts(bytes, headers);
  } else if (headers.tuple.protocol == packet::protocol::sctp) {
    descriptor.sctp = packet::sctp_facts(bytes, headers);
  }
  if (!headers.tuple.is_icmp() || packet::tracking(headers.tuple) != packet::Tracking::error) return;
  if (std::optional<packet::Tuple> const quoted = packet::quoted_tuple(bytes, headers)) {
    descriptor.tuple = *quoted;
    descriptor.quote = chain::Quote::quoted;
  }
}

/// Linux ip6_rcv_core, br_validate_ipv6.
chain::DropReason reason6(std::span<const uint8_t> packet, uint32_t length, bool router) {
  constexpr uint8_t kGroup = 0xff;
  IpAddress const from = packet::ip_header::source(packet.data(), 6), to = packet::ip_header::destination(packet.data(), 6);
  if (router) {
    if (from.bytes == kLoopback6 || from.bytes[0] == kGroup) return chain::DropReason::martian_source;
    if (to.bytes == kLoopback6) return chain::DropReason::martian_destination;
    if (to.bytes[0] == kGroup && (to.bytes[1] & 0x0f) <= 1) return chain::DropReason::group;  // reserved, or of one interface
  }
  if (packet[6] != packet::protocol::hop_by_hop) return chain::DropReason::none;
  bool const bad = router ? packet::router_fault(packet, length).kind != packet::HopFault::Kind::none : packet::bridge_drops(packet, length);
  return bad ? chain::DropReason::bad_option : chain::DropReason::none;
}

uint16_t sum_of(std::span<const uint8_t> bytes, const packet::Headers& headers) { return load_be16(bytes.data() + headers.l3_offset + 10); }

}  // namespace

bool is_to_group(std::span<const uint8_t> bytes, packet::LinkType link) {
  switch (link) {
    case packet::LinkType::ethernet: return !bytes.empty() && (bytes[0] & 1) != 0;
    case packet::LinkType::linux_cooked_v1: return bytes.size() > 1 && (bytes[1] == 1 || bytes[1] == 2);
    case packet::LinkType::linux_cooked_v2: return bytes.size() > 10 && (bytes[10] == 1 || bytes[10] == 2);
    default: return false;
  }
}

bool is_for(const Mac& own, std::span<const uint8_t> bytes, packet::LinkType link) {
  switch (link) {
    case packet::LinkType::ethernet: return bytes.size() < own.size() || is_to_group(bytes, link) || std::equal(own.begin(), own.end(), bytes.begin());
    case packet::LinkType::linux_cooked_v1: return bytes.size() < 2 || bytes[1] != 3;
    case packet::LinkType::linux_cooked_v2: return bytes.size() < 11 || bytes[10] != 3;
    default: return true;
  }
}

chain::DropReason reason_before_hooks(std::span<const uint8_t> bytes, uint32_t wire, const packet::Headers& headers, bool router) {
  if (headers.shape == packet::Shape::malformed && packet::below_transport(headers.reason))
    return static_cast<chain::DropReason>(headers.reason);
  if (headers.shape == packet::Shape::not_ip) return chain::DropReason::none;
  if (headers.ethertype == packet::ethertype::ipv6)
    return reason6(bytes.subspan(headers.l3_offset), std::max(wire, static_cast<uint32_t>(bytes.size())) - headers.l3_offset, router);
  bool const good = headers.no_length || sum_of(bytes, headers) == 0 || packet::ipv4_header_good(bytes, headers);
  return good ? chain::DropReason::none : chain::DropReason::bad_ip_checksum;
}

bool is_unfinished(std::span<const uint8_t> bytes, const packet::Headers& headers) {
  bool const whole = headers.shape != packet::Shape::not_ip && !(headers.shape == packet::Shape::malformed && packet::below_transport(headers.reason));
  if (!whole || headers.no_length) return whole;
  return headers.tuple.l3 == 4 && sum_of(bytes, headers) == 0 && !packet::ipv4_header_good(bytes, headers);
}

void finish(std::span<uint8_t> bytes, const packet::Headers& headers) {
  auto const packet = bytes.subspan(headers.l3_offset);
  bool const six = headers.tuple.l3 == 6;
  uint32_t const length = six ? headers.l3_length - static_cast<uint32_t>(packet::ip_header::kIpv6) : headers.l3_length;
  if (headers.no_length && length <= UINT16_MAX) store_be16(packet.data() + (six ? 4 : 2), static_cast<uint16_t>(length));
  if (six) return;
  packet::ip_header::renew_checksum(packet.first(packet::ip_header::length(packet[0])));
}

bool is_super_frame(std::span<const uint8_t> bytes, const packet::Headers& headers, uint32_t mtu) {
  constexpr uint8_t kDontFragment = 0x40;
  bool const transport = headers.tuple.protocol == packet::protocol::tcp || headers.tuple.protocol == packet::protocol::udp;
  if (headers.l3_length <= mtu || !transport || (headers.shape != packet::Shape::ip && headers.shape != packet::Shape::malformed)) return false;
  return headers.tuple.protocol == packet::protocol::tcp || headers.tuple.l3 == 6 || (bytes[headers.l3_offset + 6U] & kDontFragment) != 0;
}

void settle(std::span<const uint8_t> bytes, const packet::Headers& headers, chain::DropReason reason, chain::Descriptor& descriptor) {
  if (reason != chain::DropReason::none) drop(descriptor, reason);
  else if (headers.shape == packet::Shape::ip) take_facts(bytes, headers, descriptor);
}

}  // namespace bulkhead::pktio
