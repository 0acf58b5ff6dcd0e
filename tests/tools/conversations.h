// tests/tools/conversations.h: what two hosts on both sides of a bridge say to each other, frame by frame.
//
// Side    the interface at which the bridge receives a frame: lan for what the lan host sends.
// Units   Event::after_ns: since the conversation began.
// Same    conversations depend on their plans alone.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/tools/packets.h"

namespace bulkhead::test {

enum class Side : uint8_t { lan, wan };
[[nodiscard]] constexpr Side opposite(Side side) { return side == Side::lan ? Side::wan : Side::lan; }

struct Event {
  uint64_t after_ns;
  Side side;
  Bytes frame;
};
using Conversation = std::vector<Event>;

/// Who begins, from where, and how fast.
struct Route {
  Ends ends;                    // as the first packet has them
  Side from = Side::lan;        // where it comes in
  uint64_t gap_ns = 1'000'000;  // between one packet and the next
  std::vector<uint16_t> vlans{};
  [[nodiscard]] Ends ends_at(Side side) const { return side == from ? ends : ends.back(); }
};

/// An IP packet in the frame that the host on `side` sends.
Bytes bridged(Side side, const Bytes& packet, const std::vector<uint16_t>& vlans = {});
/// The same over an LLC or any other ethertype.
Bytes bridged(Side side, const Bytes& payload, uint16_t type);

struct TcpPlan {
  Route route{};
  uint16_t client_port = 0, server_port = 0;
  uint32_t client_isn = 0, server_isn = 0;
  struct Turn {
    uint32_t request, response;  // bytes
  };
  std::vector<Turn> turns{};
  enum class End { fin, reset, none } end = End::fin;
};
/// Handshake, turns with acknowledgements (segments of 1448 bytes), end.
Conversation tcp_conversation(const TcpPlan& plan);

/// A query and, if `answer` is not 0, an answer of so many bytes.
Conversation udp_exchange(const Route& route, uint16_t src_port, uint16_t dst_port, uint32_t query,
                          uint32_t answer);
/// `count` echo requests with their replies.
Conversation ping(const Route& route, uint16_t id, uint16_t count, uint32_t size);
/// One UDP datagram of `size` bytes of payload each way, cut into fragments of at most `part` bytes.
Conversation fragmented_exchange(const Route& route, uint16_t src_port, uint16_t dst_port, uint32_t size,
                                 size_t part, uint32_t id);
/// A UDP datagram to a closed port and the ICMP error that comes back.
Conversation refused_datagram(const Route& route, uint16_t src_port, uint16_t dst_port);

}  // namespace bulkhead::test
