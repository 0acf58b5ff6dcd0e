// ipc/chain/descriptor.h: what walks the chain: one packet, or one numbered event.
//
// Who     pktio makes it; each visit copies it out of its ring, changes its own part, and puts it into the next.
// Units   times: nanoseconds of the packet clock. Lengths and offsets: bytes, from the frame's first byte.
// Order   host order; the tuple's addresses and ports are in network order.
// Trust   a visit checks what it uses (sound()) before it uses it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/packet/ip_header.h"
#include "common/packet/packet.h"
#include "common/packet/sctp_facts.h"
#include "common/packet/tcp_facts.h"

namespace bulkhead::chain {

enum class Kind : uint8_t {
  packet,
  tick,   // packet time has moved on: expired flows are swept
  piece,  // a fragment before it is put together with others: chains before that see it, nobody else
};

enum class Verdict : uint8_t { accept, drop };

enum class FlowState : uint8_t { untracked, invalid, fresh, established, related };
[[nodiscard]] constexpr std::string_view name_of(FlowState state) noexcept {
  constexpr std::array<std::string_view, 5> names{"untracked", "invalid", "new", "established", "related"};
  return static_cast<size_t>(state) < names.size() ? names[static_cast<size_t>(state)] : "invalid";
}

enum class Direction : uint8_t { original, reply };
[[nodiscard]] constexpr Direction other(Direction way) noexcept {
  return way == Direction::original ? Direction::reply : Direction::original;
}

/// What `tuple` is of an ICMP error.
enum class Quote : uint8_t {
  none,     // the packet's own; it is no error, or quotes nothing that has a tuple
  quoted,   // that of the packet which it quotes, as that went
};

/// Why a packet was dropped. The first ones are the parser's reasons, by number.
enum class DropReason : uint8_t {
  none = 0,
  last_malformed = packet::reason_count - 1,
  table_full = 32,
  bad_descriptor,
  bad_ip_checksum,
  nat_clash,  // no free tuple for its flow
  rule,       // a rule says so
  policy,     // a chain's policy
  no_listener,  // a rule queues it for a program, and none listens
  // What a router lets go of before or between the hooks (services/rules/route.h).
  not_ip,
  not_unicast,
  martian_source,
  martian_destination,
  no_route,
  ttl,
  too_big,
  beyond_scope,
  group,
  nat_error,  // cannot be translated: a redirect, an ICMP error that quotes too little, GRE of an unknown version
  not_ours,   // to somebody else's MAC address
  // Fragments that never became a packet (services/pktio/in/reassembly.h).
  bad_fragment,       // contradicts others, is there already, or spoils its datagram
  fragments_missing,  // the rest of its datagram did not come in time
  fragments_full,     // no room to wait for the rest
  // Options that the kernel does not let pass.
  source_route,  // IPv4: accept_source_route 0
  bad_option,    // IPv4's that cannot be, IPv6's hop-by-hop ones that cannot be or that nobody knows
  forwarded,     // no drop: a rule has sent it out by another interface (`fwd`)
  count
};
[[nodiscard]] std::string_view name_of(DropReason reason) noexcept;

/// Bits of Descriptor::orders: what home does with a packet besides sending it on.
struct Orders {
  static constexpr uint8_t routed = 1;    // a router's link header, and a hop less to live
  static constexpr uint8_t local = 2;     // it is for the firewall itself
  static constexpr uint8_t answered = 4;  // rules.answers has what goes back for it
  static constexpr uint8_t rejected = 16;  // by a rule, which had it answered
  static constexpr uint8_t translate = 32;   // rules.nat_orders has what nat is to do with the flow
  static constexpr uint8_t translated = 64;  // nat.edits has what the packet becomes
  static constexpr uint8_t explained = 128;  // pktio: rules writes down how it goes (ipc/state/walk.h)
  static constexpr uint8_t edited = 8;     // rules.edits has the headers that it leaves with, or is quoted with
};

/// Bits of Descriptor::facts: what is known of the packet besides its headers.
struct Facts {
  static constexpr uint16_t bad_checksum = 1;  // the transport's, and it could be verified
  static constexpr uint16_t to_group = 2;      // it came to a group's link-layer address
  static constexpr uint16_t untracked = 4;     // a chain before conntrack wants no flow for it
  static constexpr uint16_t reset = 8;         // rules refuses it with a TCP reset, which closes its flow
  static constexpr uint16_t laned = 16;        // pktio gives its flow back, which was in the fast lane (ipc/state/lanes.h)
  static constexpr uint16_t steady = 32;       // rules: nothing that it was judged by can differ for its flow's next packet
  static constexpr uint16_t marked = 64;       // rules: it has changed its flow's mark
  static constexpr uint16_t left = 128;        // rules: dropped where it leaves by its interface: its flow goes on as if it had passed
  static constexpr uint16_t copied = 512;       // rules.copies has what leaves besides
  static constexpr uint16_t super_frame = 256;  // larger than the MTU by which it came: offloading made one of several
  static constexpr uint16_t refused = 1024;     // rules: dropped, as each like it will be that would begin a flow (services/conntrack/refusals.h)
  static constexpr uint16_t begins = 2048;      // track: its flow begins with it
};

struct alignas(64) Descriptor {
  uint64_t number;      // from 1, without a gap, over packets and events
  uint64_t time_ns;     // packet time: never backwards along the numbers
  uint64_t gone_first;  // deletions that this number brought about: index into conntrack's deletions, counted
                        // since the start
  uint32_t frame;       // offset in the pool, in cache lines
  uint32_t captured;
  uint32_t largest_fragment;  // of a packet put together from fragments: header and payload; 0: it came in one piece
  uint32_t l3_length;
  uint32_t flow;             // index in the flow table plus 1; 0: none
  uint32_t flow_generation;  // of that entry: a stale handle does not match
  uint16_t l4_offset;        // 0xffff: beyond what 16 bits say, not used then
  uint16_t l3_offset;
  uint16_t gone_count;
  Kind kind;
  Verdict verdict;
  DropReason reason;
  FlowState state;
  Direction direction : 4;
  Quote quote : 4;
  uint8_t in;  // interface, by its place in the settings
  uint8_t out;
  uint8_t tcp_flags;
  packet::Shape shape;
  uint8_t orders;  // Orders

  packet::Tuple tuple;
  uint16_t facts;  // Facts
  uint16_t way;   // routed: number of the way (common/base/topology.h); 0: none
  union {
    uint32_t rule;  // number of the rule that decided, plus 1; 0: none
    uint32_t mark;  // until a rule has seen it: what its first fragment was marked with. Of a piece that passed: the mark
  };
  union {
    packet::TcpFacts tcp;    // of a TCP packet that quotes nothing
    packet::SctpFacts sctp;  // the same of SCTP
  };
};
static_assert(sizeof(Descriptor) == 128);

/// Has it passed every hook behind which its flow is known?
[[nodiscard]] inline bool passed_hooks(const Descriptor& descriptor) noexcept {
  return descriptor.verdict == Verdict::accept || (descriptor.facts & Facts::left) != 0;
}

/// Has it a hop less to live when it leaves, or is quoted? One that rules have edited has passed the router in their copy.
[[nodiscard]] inline bool has_to_pass_hop(const Descriptor& descriptor) noexcept {
  return (descriptor.orders & (Orders::routed | Orders::edited)) == Orders::routed;
}

/// Headers alone, no options: rules cannot tell two such packets of one tuple and state apart but by fields that they ask for by name.
[[nodiscard]] inline bool is_plain(const Descriptor& descriptor) noexcept {
  size_t const header = descriptor.tuple.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6;
  return descriptor.shape == packet::Shape::ip && descriptor.quote == Quote::none && descriptor.l4_offset == descriptor.l3_offset + header &&
         descriptor.largest_fragment == 0 && (descriptor.facts & Facts::to_group) == 0;
}

/// TCP's flags, without those that rules take for the same in packets with ACK (common/ruleset/compile/steady.h).
[[nodiscard]] inline uint8_t judged_flags(const Descriptor& descriptor) noexcept {
  constexpr uint8_t kJudged = 0x37, kAck = 0x10;  // FIN, SYN, RST, ACK, URG
  return (descriptor.tcp_flags & kJudged) == kAck ? kAck : descriptor.tcp_flags;
}

}  // namespace bulkhead::chain