#include "services/conntrack/own_reset.h"

#include "ipc/tracking/protocol_words.h"

namespace bulkhead::conntrack {
namespace {

/// The reset that answers a segment (ipc/answer_packet.cc).
TcpSegment reset_about(const Descriptor& descriptor, Direction way) {
  constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
  constexpr uint32_t kHeader = 20;
  const TcpSegment refused = segment_of(descriptor, other(way));
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

OwnReset track_own_reset(const Descriptor& refused, const FlowEntry& entry, Direction way) noexcept {
  OwnReset reset{unpack(words_of<TcpFlow::Words>(entry)), {}};
  reset.outcome = track_tcp(reset.flow, reset_about(refused, way), entry.status.load(), entry.expires_ns.load() - refused.time_ns);
  return reset;
}

}  // namespace bulkhead::conntrack
