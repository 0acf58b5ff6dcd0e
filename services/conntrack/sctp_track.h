// services/conntrack/sctp_track.h: what an SCTP packet does to its flow.
//
// Units   time-outs: nanoseconds.
// Source  nf_conntrack_proto_sctp.c; RFC 9260 8.5 (verification tags).
#pragma once

#include <array>
#include <span>

#include "common/packet/sctp_facts.h"
#include "ipc/chain/descriptor.h"

namespace bulkhead::conntrack {

enum class SctpState : uint8_t {
  none,
  closed,
  cookie_wait,
  cookie_echoed,
  established,
  shutdown_sent,
  shutdown_received,
  shutdown_ack_sent,
  heartbeat_sent,
  invalid,  // not a state: such a packet does not belong here
};

/// As words of the flow's entry: see pack().
struct SctpFlow {
  using Words = std::array<uint64_t, 2>;
  std::array<uint32_t, 2> tags{};  // by Direction
  std::array<bool, 2> init{};      // an INIT was seen
  SctpState state = SctpState::none;
  chain::Direction last_way = chain::Direction::original;  // of the heartbeat with another tag
  bool other_tag = false;                    // a heartbeat had one
};
[[nodiscard]] SctpFlow::Words pack(const SctpFlow& flow) noexcept;
/// Any words whatever are safe.
[[nodiscard]] SctpFlow unpack(const SctpFlow::Words& words) noexcept;

struct SctpOutcome {
  enum class Fate : uint8_t { accepted, kept, invalid } fate;
  uint64_t timeout_ns = 0;
  bool assured = false;
};
/// `known`: the flow is there already; if not, the packet must be one that begins a flow.
[[nodiscard]] SctpOutcome track_sctp(SctpFlow& flow, const packet::SctpFacts& facts, chain::Direction way, bool known) noexcept;
/// The same with every chunk of the packet, those too that `facts` has not listed because they change nothing more.
[[nodiscard]] SctpOutcome track_sctp(SctpFlow& flow, const packet::SctpFacts& facts, std::span<const packet::SctpChunk> chunks, chain::Direction way,
                                     bool known) noexcept;

}  // namespace bulkhead::conntrack
