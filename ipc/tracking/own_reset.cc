#include "ipc/tracking/own_reset.h"

#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/timeouts.h"

namespace bulkhead::tracking {
namespace {

/// The reset that answers a segment (ipc/state/answer_packet.cc).
TcpSegment reset_about(const chain::Descriptor& descriptor, chain::Direction way) {
  constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  constexpr uint32_t kHeader = 20;
  const TcpSegment refused = segment_of(descriptor, chain::other(way));
  TcpSegment reset{{}, kRst, kHeader, way};
  reset.facts.header_bytes = kHeader;
  if ((descriptor.tcp_flags & kAck) != 0) {
    reset.facts.seq = descriptor.tcp.ack;
  } else {
    reset.flags |= kAck;
    reset.facts.ack = descriptor.tcp.seq + ((descriptor.tcp_flags & kSyn) != 0) + ((descriptor.tcp_flags & kFin) != 0) + refused.length -
                      descriptor.tcp.header_bytes;
  }
  reset.facts.sack = reset.facts.ack;
  return reset;
}

}  // namespace

OwnReset track_own_reset(const chain::Descriptor& refused, const state::FlowEntry& entry, chain::Direction way,
                         const TimeoutPolicies& policies) noexcept {
  OwnReset reset{unpack(words_of<TcpFlow::Words>(entry)), {}};
  reset.outcome = track_tcp(reset.flow, reset_about(refused, way), entry.status.load(), entry.expires_ns.load() - refused.time_ns,
                            policies.of(entry.timeouts.load()));
  return reset;
}

void show_reset(const TcpOutcome& outcome, state::FlowNow& now) noexcept {
  if (outcome.fate == TcpFate::invalid || outcome.fate == TcpFate::anew) return;
  bool const replied = now.direction == chain::Direction::reply || (now.status & state::Status32::seen_reply) != 0;
  now.reset = replied ? chain::FlowState::established : chain::FlowState::fresh;
  if (outcome.fate == TcpFate::accepted) now.reset_lives_s = state::FlowNow::lives_s(outcome.timeout_ns / kSecond);
  if (outcome.fate == TcpFate::ended) now.reset_lives_s = state::FlowNow::kEnds;
}

void count_reset(state::FlowNow& now, uint64_t time_ns, uint8_t l3) noexcept {
  if (now.reset == chain::FlowState::invalid) return;
  if (now.direction == chain::Direction::reply) now.status |= state::Status32::seen_reply;
  if (now.reset_lives_s == state::FlowNow::kNotCounted) return;
  size_t const way = static_cast<size_t>(now.direction);
  now.packets[way] += 1;
  now.bytes[way] += reset_bytes(l3);
  if (now.reset_lives_s == state::FlowNow::kEnds) now.status |= state::Status32::dying;
  else now.expires_ns = time_ns + now.reset_lives_s * kSecond;
}

}  // namespace bulkhead::tracking