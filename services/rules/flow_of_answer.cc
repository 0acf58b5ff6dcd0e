#include "services/rules/flow_of_answer.h"

#include "ipc/tracking/own_reset.h"

namespace bulkhead::rules {
namespace {

/// What rules have made of a packet that has no flow.
void take_changes(chain::Descriptor& descriptor, std::span<const uint8_t> packet) {
  constexpr size_t kSequence = 4, kAcknowledged = 8, kOffset = 12, kFlags = 13, kHeader = 20;
  packet::Headers const headers = packet::parse(packet, descriptor.l3_length, packet::LinkType::raw_ip);
  descriptor.tuple = headers.tuple;
  size_t const l4 = descriptor.l4_offset - std::min<size_t>(descriptor.l4_offset, descriptor.l3_offset);
  if (headers.tuple.protocol != packet::protocol::tcp || l4 + kHeader > packet.size()) return;
  const uint8_t* const segment = packet.data() + l4;
  descriptor.tcp_flags = segment[kFlags];
  descriptor.tcp.seq = load_be32(segment + kSequence);
  descriptor.tcp.ack = load_be32(segment + kAcknowledged);
  descriptor.tcp.header_bytes = static_cast<uint8_t>((segment[kOffset] >> 4) * 4);
}

}  // namespace

FlowOfAnswer::FlowOfAnswer(const Objects& objects, const control::Settings& settings)
    : objects_(objects),
      window_(objects.views.header.capacity),
      finder_(objects.table, settings.flows),
      hash_(settings.seed),
      sets_tuples_(settings.ruleset.sets_tuples),
      policies_(settings.ruleset.timeouts) {}

state::FlowNow FlowOfAnswer::view(const chain::Descriptor& descriptor) const noexcept {
  state::FlowNow now{};
  memory::copy_out(&now, &objects_.views.slot(descriptor.number, window_), sizeof now);
  return now.number == descriptor.number ? now : state::FlowNow{};
}

state::FlowNow FlowOfAnswer::of(chain::Descriptor& descriptor, state::Answer::Kind kind, std::span<const uint8_t> refused) const noexcept {
  state::FlowNow flow{};
  if (descriptor.flow != 0) {
    flow = view(descriptor);
    flow.flow = descriptor.flow;
    flow.generation = descriptor.flow_generation;
    flow.direction = chain::other(descriptor.direction);
    return flow;
  }
  if (sets_tuples_ && (descriptor.orders & chain::Orders::edited) != 0) {
    take_changes(descriptor, refused);
    flow = look_up(descriptor);
  } else {
    flow = view(descriptor);
  }
  if (kind == state::Answer::Kind::icmp) return flow;
  if (flow.reset == chain::FlowState::invalid) return {};
  tracking::count_reset(flow, descriptor.time_ns, descriptor.tuple.l3);
  return flow;
}

/// As Track::find_quoted() and expect_reset() do.
state::FlowNow FlowOfAnswer::look_up(const chain::Descriptor& descriptor) const noexcept {
  constexpr uint32_t kKnown = state::Status32::used | state::Status32::confirmed;
  std::optional<packet::Tuple> const answer = packet::inverse(descriptor.tuple);
  auto const hit = answer ? finder_.find(*answer, hash_(*answer)) : std::nullopt;
  if (!hit) return {};
  const state::FlowEntry& entry = finder_.entry(hit->index);
  if ((entry.status.load() & kKnown) != kKnown || entry.expires_ns.load() <= descriptor.time_ns) return {};
  state::FlowNow flow = state::flow_meant(entry, *hit, descriptor.number);
  if (answer->protocol == packet::protocol::tcp) tracking::show_reset(tracking::track_own_reset(descriptor, entry, hit->direction, policies_).outcome, flow);
  return flow;
}

}  // namespace bulkhead::rules
