// tests/tools/conversations.cc: see conversations.h.
#include "tests/tools/conversations.h"

#include <algorithm>

namespace bulkhead::test {

namespace {

constexpr Mac lan_mac{0x02, 0, 0, 0, 0, 0x0a}, wan_mac{0x02, 0, 0, 0, 0, 0x0b};

LinkFields link_of(Side side, const std::vector<uint16_t>& vlans = {}) {
  const bool lan = side == Side::lan;
  return {lan ? lan_mac : wan_mac, lan ? wan_mac : lan_mac, vlans};
}

/// Adds frames to a conversation, one gap after the other.
class Talk {
 public:
  explicit Talk(const Route& route) : route_(route) {}

  void send(Side side, uint8_t number, const Bytes& l4, uint16_t id = 0) {
    IpFields fields;
    fields.id = id;
    packet(side, ip(route_.ends_at(side), number, l4, fields));
  }
  void packet(Side side, const Bytes& packet) {
    events_.push_back({now_, side, bridged(side, packet, route_.vlans)});
    now_ += route_.gap_ns;
  }
  [[nodiscard]] Conversation take() { return std::move(events_); }

 private:
  const Route& route_;
  uint64_t now_ = 0;
  Conversation events_;
};

/// Both ends of one TCP connection; loses nothing, acknowledges every segment.
class TcpTalk {
 public:
  explicit TcpTalk(const TcpPlan& plan)
      : plan_(plan),
        talk_(plan.route),
        client_(plan.route.from),
        seq_{client_ == Side::lan ? plan.client_isn : plan.server_isn,
             client_ == Side::lan ? plan.server_isn : plan.client_isn} {}

  Conversation run() {
    const Side server = opposite(client_);
    segment(client_, tcp_flag::syn, {}, syn_options(1460));
    segment(server, tcp_flag::syn | tcp_flag::ack, {}, syn_options(1460));
    segment(client_, tcp_flag::ack);
    for (const TcpPlan::Turn& turn : plan_.turns) {
      data(client_, turn.request);
      data(server, turn.response);
    }
    finish(server);
    return talk_.take();
  }

 private:
  void finish(Side server) {
    if (plan_.end == TcpPlan::End::reset) segment(server, tcp_flag::rst | tcp_flag::ack);
    if (plan_.end != TcpPlan::End::fin) return;
    segment(client_, tcp_flag::fin | tcp_flag::ack);
    segment(server, tcp_flag::fin | tcp_flag::ack);
    segment(client_, tcp_flag::ack);
  }

  void data(Side side, uint32_t bytes) {
    constexpr uint32_t segment_max = 1448;
    while (bytes > 0) {
      const uint32_t part = std::min(bytes, segment_max);
      bytes -= part;
      segment(side, static_cast<uint8_t>(tcp_flag::ack | (bytes == 0 ? tcp_flag::psh : 0)), pattern(part));
      segment(opposite(side), tcp_flag::ack);
    }
  }

  void segment(Side side, uint8_t flags, const Bytes& payload = {}, const Bytes& options = {}) {
    const bool client = side == client_;
    uint32_t& seq = seq_[static_cast<size_t>(side)];
    Segment out;
    out.src_port = client ? plan_.client_port : plan_.server_port;
    out.dst_port = client ? plan_.server_port : plan_.client_port;
    out.seq = seq;
    out.ack = (flags & tcp_flag::ack) != 0 ? seq_[static_cast<size_t>(opposite(side))] : 0;
    out.flags = flags;
    out.options = options;
    out.payload = payload;
    talk_.send(side, packet::protocol::tcp, tcp(plan_.route.ends_at(side), out), id_[static_cast<size_t>(side)]++);
    seq += static_cast<uint32_t>(payload.size()) + ((flags & (tcp_flag::syn | tcp_flag::fin)) != 0 ? 1 : 0);
  }

  const TcpPlan& plan_;
  Talk talk_;
  Side client_;
  uint32_t seq_[2];  // next, by side
  uint16_t id_[2] = {1, 1};
};

}  // namespace

Bytes bridged(Side side, const Bytes& packet, const std::vector<uint16_t>& vlans) {
  return ethernet(packet, link_of(side, vlans));
}

Bytes bridged(Side side, const Bytes& payload, uint16_t type) {
  return ethernet(payload, type, link_of(side));
}

Conversation tcp_conversation(const TcpPlan& plan) { return TcpTalk(plan).run(); }

Conversation udp_exchange(const Route& route, uint16_t src_port, uint16_t dst_port, uint32_t query,
                          uint32_t answer) {
  Talk talk(route);
  const Side back = opposite(route.from);
  talk.send(route.from, packet::protocol::udp, udp(route.ends, src_port, dst_port, pattern(query)), 7);
  if (answer > 0)
    talk.send(back, packet::protocol::udp, udp(route.ends.back(), dst_port, src_port, pattern(answer)), 8);
  return talk.take();
}

Conversation ping(const Route& route, uint16_t id, uint16_t count, uint32_t size) {
  Talk talk(route);
  const uint8_t number = route.ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6;
  for (uint16_t i = 1; i <= count; ++i) {
    talk.send(route.from, number, echo(route.ends, true, id, i, pattern(size)), i);
    talk.send(opposite(route.from), number, echo(route.ends.back(), false, id, i, pattern(size)), i);
  }
  return talk.take();
}

Conversation fragmented_exchange(const Route& route, uint16_t src_port, uint16_t dst_port, uint32_t size,
                                 size_t part, uint32_t id) {
  Talk talk(route);
  const Bytes there = ip(route.ends, packet::protocol::udp, udp(route.ends, src_port, dst_port, pattern(size)));
  const Bytes back =
      ip(route.ends.back(), packet::protocol::udp, udp(route.ends.back(), dst_port, src_port, pattern(size)));
  for (const Bytes& fragment : fragments(there, part, id)) talk.packet(route.from, fragment);
  for (const Bytes& fragment : fragments(back, part, id + 1)) talk.packet(opposite(route.from), fragment);
  return talk.take();
}

Conversation refused_datagram(const Route& route, uint16_t src_port, uint16_t dst_port) {
  Talk talk(route);
  const Bytes packet = ip(route.ends, packet::protocol::udp, udp(route.ends, src_port, dst_port, pattern(32)));
  const bool v4 = route.ends.src.l3 == 4;
  talk.packet(route.from, packet);
  const Bytes error = icmp_error(route.ends.back(), v4 ? 3 : 1, v4 ? 3 : 4, packet);
  talk.send(opposite(route.from), v4 ? packet::protocol::icmp : packet::protocol::icmpv6, error);
  return talk.take();
}

}  // namespace bulkhead::test
