#include "services/rules/see.h"

#include <algorithm>

#include "common/packet/ip_header.h"
#include "common/ruleset/run/connections.h"

namespace bulkhead::rules {
namespace {

constexpr uint16_t kFar = 0xffff;  // l4_offset
constexpr size_t kTransportMost = 128;  // bytes behind where the transport header begins that fields and translations change

uint32_t state_bit(chain::FlowState state) {
  switch (state) {
    case chain::FlowState::invalid: return 1;
    case chain::FlowState::established: return 2;
    case chain::FlowState::related: return 4;
    case chain::FlowState::fresh: return 8;
    case chain::FlowState::untracked: return 64;
  }
  return 1;
}

void see_flow(const chain::Descriptor& descriptor, ruleset::FlowView& flow) {
  flow.state = state_bit(descriptor.state);
  flow.there = descriptor.flow != 0;
  flow.status = 0;
  flow.reply = descriptor.direction == chain::Direction::reply;
  flow.id = descriptor.flow;
  flow.generation = descriptor.flow_generation;
  flow.timeouts = 0;
  if (!flow.there) return;
  // A quoted packet went the other way than the error about it.
  bool const as_original = flow.reply == (descriptor.quote == chain::Quote::quoted);
  auto const other = packet::inverse(descriptor.tuple);
  flow.tuples[as_original ? 0 : 1] = descriptor.tuple;
  flow.tuples[as_original ? 1 : 0] = other.value_or(packet::Tuple{});
}

/// Behind whose fragment header `transport` lies.
bool is_later_fragment6(const chain::Descriptor& descriptor, const uint8_t* ip, size_t transport) {
  bool const fragment = descriptor.shape == packet::Shape::fragment && ip[0] >> 4 == 6 && transport >= packet::ip_header::kIpv6 + packet::ip_header::kFragment6;
  return fragment && (load_be16(ip + transport - packet::ip_header::kFragment6 + 2) & 0xfff8) != 0;
}

constexpr size_t kEthernet = 14, kVlanTag = 4, kCookedV1 = 16, kCookedV2 = 20;  // bytes of link headers
constexpr uint8_t kToUs = 0, kBroadcast = 1, kToGroup = 2, kToOther = 3;  // PACKET_*

bool is_ethernet(size_t link) { return link >= kEthernet && (link - kEthernet) % kVlanTag == 0; }

/// PACKET_*, by the address that it came to.
uint8_t type_of(const chain::Descriptor& descriptor, std::span<const uint8_t> link) {
  if ((descriptor.facts & chain::Facts::to_group) == 0) return kToUs;
  bool const all = is_ethernet(link.size()) ? std::all_of(link.begin(), link.begin() + 6, [](uint8_t byte) { return byte == 0xff; })
                   : link.size() == kCookedV1 ? link[1] == kBroadcast
                   : link.size() == kCookedV2 && link[10] == kBroadcast;
  return all ? kBroadcast : kToGroup;
}

/// What a link header says of what it carries; 0: nothing that would be an ethertype.
uint16_t ether_type_of(std::span<const uint8_t> link) {
  if (is_ethernet(link.size()) || link.size() == kCookedV1) return load_be16(link.data() + link.size() - 2);
  return link.size() == kCookedV2 ? load_be16(link.data()) : uint16_t{0};
}

/// No IP, or none that IP would take.
void see_unknown(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, ruleset::Evaluation& packet) {
  size_t const at = std::min<size_t>(descriptor.l3_offset, frame.size());
  packet.link = frame.first(at);
  packet.frame = frame.subspan(at);
  packet.head_length = static_cast<uint16_t>(std::min<size_t>(packet.frame.size(), ruleset::Evaluation::kHeadUsual));
  std::ranges::copy(packet.frame.first(packet.head_length), packet.head.begin());
  packet.length = static_cast<uint32_t>(packet.frame.size());
  packet.l3 = 0;
  packet.ether_type = ether_type_of(packet.link);
  packet.protocol = 0;
  packet.knows_protocol = false;
  packet.later_fragment6 = false;
  packet.transport = ruleset::Evaluation::kNone;
  packet.packet_type = type_of(descriptor, packet.link);
  packet.mark = packet.priority = 0;
  packet.number = descriptor.number;
  packet.time_ns = descriptor.time_ns;
  see_flow(descriptor, packet.flow);
  packet.flow.state = ruleset::FlowView::invalid;
  packet.behind_ah = ruleset::Evaluation::kNone;
}

/// nft_set_pktinfo_ipv6 asks ipv6_find_hdr to stop at AH, which conntrack goes past.
void stop_at_ah(std::span<const uint8_t> bytes, ruleset::Evaluation& packet) {
  uint8_t next = bytes[6];
  size_t at = packet::ip_header::kIpv6;
  while (packet::is_extension(next) && next != packet::protocol::ah && at + 2 <= bytes.size()) {
    if (next == packet::protocol::fragment && (at + 4 > bytes.size() || (load_be16(bytes.data() + at + 2) & 0xfff8) != 0)) return;
    uint32_t const length = packet::extension_length(next, bytes.data() + at);
    next = bytes[at];
    at += length;
  }
  if (next != packet::protocol::ah || at >= packet.head_length) return;
  packet.behind_ah = packet.transport;
  packet.protocol_behind_ah = packet.protocol;
  packet.transport = static_cast<uint16_t>(at);
  packet.protocol = packet::protocol::ah;
}

}  // namespace

bool see(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, ruleset::Evaluation& packet) noexcept {
  size_t const at = descriptor.l3_offset;
  if (descriptor.shape == packet::Shape::not_ip || at >= frame.size()) return false;
  auto const bytes = frame.subspan(at);
  uint8_t const version = packet::ip_header::version(bytes);
  if (version == 0) return false;
  packet.link = frame.first(at);
  packet.frame = bytes.first(std::min<size_t>(bytes.size(), descriptor.l3_length));
  size_t const transport = size_t{descriptor.l4_offset} - at;
  bool const has_transport = descriptor.l4_offset > at && descriptor.l4_offset != kFar && transport <= packet.frame.size();
  size_t const headers = has_transport ? std::max(ruleset::Evaluation::kHeadUsual, transport + kTransportMost) : ruleset::Evaluation::kHeadUsual;
  packet.head_length = static_cast<uint16_t>(std::min({packet.frame.size(), headers, ruleset::Evaluation::kHead}));
  std::memcpy(packet.head.data(), packet.frame.data(), packet.head_length);
  packet.length = descriptor.l3_length;
  packet.l3 = version;
  packet.ether_type = version == 4 ? packet::ethertype::ipv4 : packet::ethertype::ipv6;
  packet.protocol = descriptor.quote == chain::Quote::quoted ? (version == 4 ? packet::protocol::icmp : packet::protocol::icmpv6)
                                                      : descriptor.tuple.protocol;
  packet.later_fragment6 = has_transport && is_later_fragment6(descriptor, bytes.data(), transport);
  bool const later = packet.later_fragment6 || packet::ip_header::is_later_fragment(bytes.data());
  packet.transport = has_transport && !later ? static_cast<uint16_t>(transport) : ruleset::Evaluation::kNone;
  packet.knows_protocol = true;
  packet.behind_ah = ruleset::Evaluation::kNone;
  if (version == 6 && packet::is_extension(bytes[6])) stop_at_ah(packet.frame, packet);
  packet.packet_type = type_of(descriptor, packet.link);
  packet.mark = 0;
  packet.priority = 0;
  packet.number = descriptor.number;
  packet.time_ns = descriptor.time_ns;
  see_flow(descriptor, packet.flow);
  return true;
}

void see_frame(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, bool seen, Wiring wiring, ruleset::Evaluation& packet) noexcept {
  if (!seen || descriptor.l3_length == 0) see_unknown(descriptor, frame, packet);
  size_t const there = frame.size() - packet.link.size();
  packet.as_frame.length = packet.length;
  packet.as_frame.padded_length = std::max(packet.length, static_cast<uint32_t>(there));
  packet.as_frame.packet_type = packet.packet_type == kToUs && wiring == Wiring::bridge ? kToOther : packet.packet_type;
}

void see_meant(const state::FlowNow& now, ruleset::FlowView& flow) noexcept {
  if (now.flow == 0) return;
  flow.id = now.flow | (now.direction == chain::Direction::original ? ruleset::ConnectionLists::kAnswer : 0);  // the way an answer to it would go
  flow.generation = now.generation;
}

void see_view(const state::FlowNow& now, ruleset::FlowView& flow) noexcept {
  see_counts(now, flow);
  flow.tuples[0].zone = now.zones().original;
  flow.tuples[1].zone = now.zones().reply;
}

void see_counts(const state::FlowNow& now, ruleset::FlowView& flow) noexcept {
  flow.status = now.status & ~state::Status32::closed;
  flow.expires_ns = now.expires_ns;
  flow.packets = now.packets;
  flow.bytes = now.bytes;
}

void pass_router(ruleset::Evaluation& packet) noexcept {
  constexpr std::array<uint8_t, 4> kClasses{0, 2, 6, 4};  // best effort, bulk, interactive, both
  packet::ip_header::pass_hop(packet.head.data());
  if (packet.l3 == 4) packet.priority = kClasses[packet.head[1] >> 3 & 3];
}

}  // namespace bulkhead::rules
