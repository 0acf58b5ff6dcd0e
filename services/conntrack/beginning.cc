#include "services/conntrack/beginning.h"

#include <algorithm>

#include "ipc/tracking/lifetime.h"
#include "ipc/tracking/protocol_words.h"
#include "ipc/tracking/tcp_track.h"
#include "services/conntrack/sctp_track.h"

namespace bulkhead::conntrack {
namespace {

bool begin_tcp_flow(const Descriptor& descriptor, Beginning& begun) {
  TcpFlow flow;
  TcpSegment const segment = segment_of(descriptor, Direction::original);
  if (!begin_tcp(flow, segment)) return false;
  TcpOutcome const outcome = track_tcp(flow, segment, 0, 0);
  begun.lives_ns = outcome.timeout_ns;
  begun.state = static_cast<uint32_t>(flow.state);
  begun.protocol_words = pack(flow);
  begun.words = begun.protocol_words.size();
  return outcome.fate == TcpFate::accepted;
}

bool begin_sctp_flow(const Descriptor& descriptor, Beginning& begun) {
  SctpFlow flow;
  SctpOutcome const outcome = track_sctp(flow, descriptor.sctp, Direction::original, false);
  begun.lives_ns = outcome.timeout_ns;
  begun.status = outcome.assured ? Status32::assured : 0;
  begun.state = static_cast<uint32_t>(flow.state);
  SctpFlow::Words const words = pack(flow);
  std::copy(words.begin(), words.end(), begun.protocol_words.begin());
  begun.words = words.size();
  return outcome.fate == SctpOutcome::Fate::accepted;
}

}  // namespace

std::optional<Beginning> begin_flow(const Descriptor& descriptor) noexcept {
  auto const reply = inverse(descriptor.tuple);
  if (!reply || tracking(descriptor.tuple) != Tracking::flow) return std::nullopt;
  Beginning begun;
  begun.reply = *reply;
  switch (descriptor.tuple.protocol) {
    case protocol::tcp: return begin_tcp_flow(descriptor, begun) ? std::optional(begun) : std::nullopt;
    case protocol::sctp: return begin_sctp_flow(descriptor, begun) ? std::optional(begun) : std::nullopt;
    default: begun.lives_ns = lifetime(descriptor.tuple.protocol, 0, 0).ns; return begun;
  }
}

}  // namespace bulkhead::conntrack
