#include "services/pktio/in/facts.h"

#include <algorithm>

#include "common/packet/checksum.h"

namespace bulkhead::pktio {
namespace {

constexpr size_t kTcpFlags = 13;  // offset in the TCP header

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

chain::DropReason reason_before_hooks(std::span<const uint8_t> bytes, const packet::Headers& headers) {
  if (headers.shape == packet::Shape::malformed && packet::below_transport(headers.reason))
    return static_cast<chain::DropReason>(headers.reason);
  bool const ipv4 = headers.ethertype == packet::ethertype::ipv4 && headers.shape != packet::Shape::not_ip;
  return ipv4 && !packet::ipv4_header_good(bytes, headers) ? chain::DropReason::bad_ip_checksum : chain::DropReason::none;
}

void settle(std::span<const uint8_t> bytes, const packet::Headers& headers, chain::DropReason reason, chain::Descriptor& descriptor) {
  if (reason != chain::DropReason::none) drop(descriptor, reason);
  else if (headers.shape == packet::Shape::ip) take_facts(bytes, headers, descriptor);
}

}  // namespace bulkhead::pktio
