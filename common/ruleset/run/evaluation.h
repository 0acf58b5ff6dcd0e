// common/ruleset/run/evaluation.h: one packet before the rules: what can be read of it, and what they decide.
//
// Who     services/rules fills it for each packet; steps (program.h) read and change it; evaluate.h walks the chains.
// Bytes   head is a copy of the packet's headers, from the network header on: rules that rewrite change it there, and later
//         rules see that. What lies beyond is read from the frame.
// Units   times: nanoseconds of the packet clock. Numbers in host order; addresses as 128-bit numbers, IPv4 in the low 32.
// Trust   every offset has been checked against the bytes that are there when this is filled.
// Cost    no allocation; plain memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "common/base/topology.h"
#include "common/packet/nat_range.h"
#include "common/packet/nat_rewrite.h"
#include "common/packet/packet.h"

namespace bulkhead::ruleset {

struct Program;  // program.h

__extension__ using Number = unsigned __int128;

/// Words of shared state that rules may change: counters, quotas, limits. Changes are undone with their batch.
class StateWords {
 public:
  StateWords() = default;
  StateWords(const StateWords&) = delete;
  StateWords& operator=(const StateWords&) = delete;
  virtual ~StateWords() = default;
  [[nodiscard]] virtual uint64_t get(uint32_t word) const noexcept = 0;
  virtual void set(uint32_t word, uint64_t value) noexcept = 0;
};

/// What conntrack knows of the packet's flow, as of this packet.
struct FlowView {
  static constexpr uint32_t confirmed = 8, source_nat = 16, destination_nat = 32;  // bits of status: IPS_CONFIRMED, IPS_SRC_NAT, IPS_DST_NAT
  static constexpr uint32_t invalid = 1, untracked = 64;
  uint32_t state = 0;   // a bit of ct state: invalid, established 2, related 4, new 8, untracked
  bool there = false;   // the rest is meant
  bool reply = false;
  uint32_t status = 0;  // nf_conntrack_common.h
  uint32_t mark_word = 0;   // state word of ct mark
  uint32_t label_word = 0;  // and the first of ct label
  uint32_t timeouts = 0;    // the policy that rules give the flow, by its place in Program::timeouts, plus 1; 0: none
  uint32_t generation = 0;  // of the flow
  uint32_t id = 0;
  uint64_t expires_ns = 0;
  std::array<packet::Tuple, 2> tuples{};
  std::array<uint64_t, 2> packets{}, bytes{};
};

/// How the packet's flow is translated: as nat has bound it, or as rules have ordered so far. By Part.
struct Translation {
  bool tracked = false;              // conntrack knows the flow: the rest is meant
  std::array<bool, 2> open{};        // nothing is bound yet: chains of type nat are asked
  std::array<bool, 2> ordered{};     // they have said: ranges
  std::array<packet::NatRange, 2> ranges{};
  std::array<bool, 2> changes{};     // the packet, at the hook where that part is changed
  packet::Tuple to;                          // what its tuple becomes; of a packet that begins a flow as known so far
  bool quotes = false;               // it is an ICMP error: the packet that it quotes becomes
  packet::Tuple inner_to;
};

/// The firewall's own addresses, as masquerade and redirect want them, none: there is none; and what its links carry.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;
  /// From which it speaks by interface `out` (numbered from 1) to `destination`.
  [[nodiscard]] virtual IpAddress source_towards(const IpAddress& destination, uint32_t out) const noexcept = 0;
  /// The first one of interface `in`.
  [[nodiscard]] virtual IpAddress address_at(uint32_t in, const IpAddress& destination) const noexcept = 0;
  /// Bytes of layer 3 that an interface lets through.
  [[nodiscard]] virtual uint32_t mtu_of(uint32_t interface) const noexcept = 0;
};

struct Evaluation;

/// Where a copy of a packet goes, or the packet itself.
struct CopyOrder {
  enum class To : uint8_t { device, neighbour, route };
  To to = To::device;
  uint32_t device = 0;   // as `iif` compares it; 0: whichever the route says
  IpAddress address{};   // neighbour, route
  bool itself = false;   // the packet, not a copy of it
};

/// Who sends them: at once, as the packet is by then. False: nothing leaves.
class Copier {
 public:
  Copier() = default;
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;
  virtual ~Copier() = default;
  virtual bool send(const Evaluation& packet, const CopyOrder& order) noexcept = 0;
};

/// What a packet's way is: a bridge's packets are not routed.
enum class Wiring : uint8_t { router, bridge };
/// Where what `ct count` works on lies among the state words (connections.h).
struct Connections {
  uint32_t flows = 0, flow_count = 0;  // a word for each flow
  uint32_t nodes = 0, node_count = 0;
};
/// lo's index, which no interface of a replay has: only what the router says to itself goes by it. The kernel's is 1.
inline constexpr uint32_t kLoopback = 0xffff;

struct InterfaceView {
  std::string_view name;
  uint32_t index = 0;  // as `iif` compares it
  uint16_t type = 1;   // ARPHRD_ETHER
};

enum class Decision : uint8_t {
  none,      // no rule has said anything
  accept,
  drop,
  reject,    // Evaluation::reject says how
};

struct Reject {
  enum class Kind : uint8_t { none, icmp, tcp_reset };
  Kind kind = Kind::none;
  uint8_t type = 0, code = 0;
};

struct Evaluation {
  // Bytes of head: at most, as far as a descriptor may say that the transport header lies; and where it lies within.
  static constexpr size_t kHead = 65535, kHeadUsual = 256;
  static constexpr size_t kRegisters = 12;
  static constexpr uint16_t kNone = 0xffff;

  // The packet.
  std::array<uint8_t, kHead> head{};  // from the network header on
  uint16_t head_length = 0;
  uint16_t transport = kNone;         // offset; kNone: not there, or a later fragment
  uint16_t behind_ah = kNone;         // IPv6: where tracking and translation find the transport header. Rules stop at AH
  uint8_t protocol_behind_ah = 0;
  bool later_fragment6 = false;       // IPv6: of a datagram that nobody puts together
  std::span<const uint8_t> link;      // link header; empty: none
  std::span<const uint8_t> frame;     // from the network header on, as captured
  uint32_t length = 0;                // of layer 3
  uint8_t l3 = 0;                     // 4 or 6; 0: no IP
  uint8_t protocol = 0;               // transport, behind IPv6 extension headers
  bool knows_protocol = true;         // there is one
  uint8_t packet_type = 0;            // PACKET_HOST 0, broadcast 1, multicast 2
  uint16_t ether_type = 0;
  uint32_t mark = 0;
  uint32_t priority = 0;              // traffic class
  packet::Zones zones;                // in which conntrack is to look for its flow
  uint64_t number = 0;
  uint64_t time_ns = 0;
  InterfaceView in, out;              // no name: none
  /// What chains of the link layer see instead.
  struct {
    uint32_t length = 0, padded_length = 0;  // behind the link header; and before IP has cut it
    uint8_t packet_type = 0;                 // and other 3: a bridge's
  } as_frame;
  FlowView flow;
  Translation nat;
  StateWords* state = nullptr;
  Connections connections;
  const Program* program = nullptr;   // whose steps are run: evaluate() says
  const Host* host = nullptr;
  const Chance* chance = nullptr;
  const packet::OtherFlows* others = nullptr;  // where it shows what nat will choose; null: nobody else is there
  Copier* copier = nullptr;           // null: nobody sends copies
  uint8_t hook = 0;                   // At, whose chains are run: evaluate() says
  const Routes* routes = nullptr;     // null: a bridge has none
  std::span<const std::string> interfaces;  // names, by index less 1

  // What rules have done so far.
  bool edited = false;      // head is not as it came, but for translation and routing
  bool steady = false;      // and met nothing by which another packet of its flow might fare otherwise (steady.h)
  bool certain = false;     // whatever was not steady had no part in the verdict
  bool marks_flow = false;  // and gave their flow another mark or label
  uint8_t counters_met = 0;       // counters, which are in
  std::array<uint32_t, 5> met_counters{};  // by first words
  bool renew_sctp = false;  // and SCTP's checksum has to be made anew
  bool unheard = false;     // dropped for a program that nobody runs
  uint32_t forwarded = 0;   // dropped here, since it has left by this interface
  bool reads_anew = false;  // and set how the packet is to be read, which chains behind do anew
  std::array<Number, kRegisters> registers{};
  Decision verdict = Decision::none;
  Reject reject;
  uint32_t rule = 0;  // index in Program::rules of the one that decided, plus 1; 0: a policy or nobody
  bool policy = false;  // drop: a chain's policy said so
  uint32_t chain = 0;   // target of a jump

  /// Rules have done nothing yet.
  void begin() noexcept {
    edited = marks_flow = renew_sctp = reads_anew = unheard = false;
    zones = {};
    forwarded = 0;
    steady = certain = true;
    counters_met = 0;
    verdict = Decision::none;
    reject = {};
    rule = 0;
  }
  [[nodiscard]] uint16_t tracked_transport() const noexcept { return behind_ah != kNone ? behind_ah : transport; }
  [[nodiscard]] uint8_t tracked_protocol() const noexcept { return behind_ah != kNone ? protocol_behind_ah : protocol; }
  /// A counter has counted it.
  void bump(uint32_t word) noexcept {
    if (counters_met < met_counters.size()) met_counters[counters_met++] = word;
    else steady = false;
  }
  /// Bytes from the network header on: changed ones, where they are in head. False: beyond the packet.
  [[nodiscard]] bool copy(size_t offset, std::span<uint8_t> into) const noexcept {
    if (offset + into.size() <= head_length) {
      std::memcpy(into.data(), head.data() + offset, into.size());
      return true;
    }
    if (offset + into.size() > frame.size()) return false;
    for (size_t i = 0; i < into.size(); ++i) into[i] = offset + i < head_length ? head[offset + i] : frame[offset + i];
    return true;
  }
};

}  // namespace bulkhead::ruleset