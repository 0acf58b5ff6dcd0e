#include "services/conntrack/beginning.h"

#include <algorithm>

#include "ipc/tracking/lifetime.h"
#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/tcp_track.h"
#include "services/conntrack/sctp_track.h"

namespace bulkhead::conntrack {
namespace {

bool begin_tcp_flow(const chain::Descriptor& descriptor, Beginning& begun) {
  tracking::TcpFlow flow;
  tracking::TcpSegment const segment = tracking::segment_of(descriptor, chain::Direction::original);
  if (!tracking::begin_tcp(flow, segment)) return false;
  tracking::TcpOutcome const outcome = tracking::track_tcp(flow, segment, 0, 0);
  begun.lives_ns = outcome.timeout_ns;
  begun.state = static_cast<uint32_t>(flow.state);
  begun.protocol_words = pack(flow);
  begun.words = begun.protocol_words.size();
  return outcome.fate == tracking::TcpFate::accepted;
}

bool begin_sctp_flow(const chain::Descriptor& descriptor, Beginning& begun) {
  SctpFlow flow;
  SctpOutcome const outcome = track_sctp(flow, descriptor.sctp, chain::Direction::original, false);
  begun.lives_ns = outcome.timeout_ns;
  begun.status = outcome.assured ? state::Status32::assured : 0;
  begun.state = static_cast<uint32_t>(flow.state);
  SctpFlow::Words const words = pack(flow);
  std::copy(words.begin(), words.end(), begun.protocol_words.begin());
  begun.words = words.size();
  return outcome.fate == SctpOutcome::Fate::accepted;
}

}  // namespace

std::optional<Beginning> begin_flow(const chain::Descriptor& descriptor, const packet::Zones& zones) noexcept {
  auto const reply = packet::inverse(descriptor.tuple);
  if (!reply || packet::tracking(descriptor.tuple) != packet::Tracking::flow) return std::nullopt;
  Beginning begun;
  begun.reply = *reply;
  begun.reply.zone = zones.reply;
  switch (descriptor.tuple.protocol) {
    case packet::protocol::tcp: return begin_tcp_flow(descriptor, begun) ? std::optional(begun) : std::nullopt;
    case packet::protocol::sctp: return begin_sctp_flow(descriptor, begun) ? std::optional(begun) : std::nullopt;
    default: begun.lives_ns = tracking::lifetime(descriptor.tuple.protocol, 0, 0, tracking::kDefaultTimeouts).ns; return begun;
  }
}

}  // namespace bulkhead::conntrack
