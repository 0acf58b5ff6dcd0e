#include "services/rules/see.h"

#include "common/packet/ip_header.h"

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
  packet.packet_type = (descriptor.facts & chain::Facts::to_group) != 0 ? 2 : 0;
  packet.mark = 0;
  packet.priority = 0;
  packet.number = descriptor.number;
  packet.time_ns = descriptor.time_ns;
  see_flow(descriptor, packet.flow);
  return true;
}

void see_counts(const state::FlowNow& now, ruleset::FlowView& flow) noexcept {
  flow.status = now.status;
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
