// tests/tools/hazards.cc: what is hard for a tracker that works on many packets at once: packets close
// together that depend on each other, clocks that jump, full tables, and things that are not packets at all.
#include <algorithm>

#include "tests/tools/captures.h"

namespace bulkhead::test {

namespace {

constexpr uint64_t second = 1'000'000'000, hour = 3600 * second;

class Hazards {
 public:
  explicit Hazards(uint64_t seed) : random_(seed) {}

  TwoSides make(size_t packets) {
    packets_wanted_ = packets;
    largest();
    while (!full()) scene();
    return std::move(capture_);
  }

 private:
  /// Clock jumps and floods are rare, so that there is something for them to disturb.
  void scene() {
    using Scene = void (Hazards::*)();
    static constexpr Scene scenes[] = {
        &Hazards::adjacent_handshake,
        &Hazards::same_twice,
        &Hazards::simultaneous_open,
        &Hazards::echo_pair,
        &Hazards::fragment_disorder,
        &Hazards::malformed,
        &Hazards::not_ip,
        &Hazards::jumbo,
        &Hazards::cut_by_snaplen,
        &Hazards::reply_first,
        &Hazards::quoted_error,
        &Hazards::reopened_port,
        &Hazards::ordinary,
    };
    if (random_.below(40) == 0) return clock_jump();
    if (random_.below(150) == 0) return many_tuples();
    (this->*scenes[random_.below(std::size(scenes))])();
  }

  [[nodiscard]] bool full() const { return capture_.size() >= packets_wanted_; }

  void put(Side side, const Bytes& frame, uint32_t wire = 0) {
    if (!full()) capture_.add(side, {now_, frame, wire});
  }
  void put(const Conversation& conversation) {
    for (const Event& event : conversation) {
      put(event.side, event.frame);
      now_ += random_.below(3) == 0 ? 0 : random_.below(2000);
    }
  }
  void put_tcp(Side side, const Ends& ends, const Segment& segment) {
    put(side, bridged(side, ip(ends, packet::protocol::tcp, tcp(ends, segment))));
  }

  uint16_t port() { return static_cast<uint16_t>(1024 + random_.below(60'000)); }
  Ends ends() {
    static const Address clients[] = {address("192.0.2.1"), address("2001:db8:1::1")};
    static const Address servers[] = {address("198.51.100.1"), address("2001:db8:2::1")};
    const size_t family = random_.below(2);
    return {clients[family].plus(random_.below(4)), servers[family].plus(random_.below(4))};
  }
  Route route() { return {.ends = ends(), .from = random_.below(3) == 0 ? Side::wan : Side::lan}; }

  /// SYN and SYN/ACK at the same nanosecond or one apart, on opposite sides.
  void adjacent_handshake() {
    const Ends to = ends();
    const uint16_t client = port();
    put_tcp(
        Side::lan, to,
        {.src_port = client, .dst_port = 80, .seq = 1, .flags = tcp_flag::syn, .options = syn_options(1460)});
    now_ += random_.below(2);
    put_tcp(Side::wan, to.back(),
            {.src_port = 80,
             .dst_port = client,
             .seq = 9,
             .ack = 2,
             .flags = tcp_flag::syn | tcp_flag::ack,
             .options = syn_options(1460)});
    now_ += random_.below(2);
    put_tcp(Side::lan, to, {.src_port = client, .dst_port = 80, .seq = 2, .ack = 10, .flags = tcp_flag::ack});
  }

  /// The first packet of a flow two to four times in a row.
  void same_twice() {
    const Route way = route();
    const Bytes frame = udp_exchange(way, port(), port(), 20, 0).front().frame;
    for (uint32_t i = 2 + random_.below(3); i > 0; --i) put(way.from, frame);
  }

  void simultaneous_open() {
    const Ends to = ends();
    const uint16_t client = port(), server = port();
    for (uint8_t flags : Bytes{tcp_flag::syn, tcp_flag::syn | tcp_flag::ack, tcp_flag::ack}) {
      const uint32_t ack = flags == tcp_flag::syn ? 0 : 1001, seq = flags == tcp_flag::ack ? 1001 : 1000;
      put_tcp(Side::lan, to,
              {.src_port = client, .dst_port = server, .seq = seq, .ack = ack, .flags = flags});
      put_tcp(Side::wan, to.back(),
              {.src_port = server, .dst_port = client, .seq = seq, .ack = ack, .flags = flags});
      now_ += random_.below(100);
    }
  }

  void clock_jump() {
    if (random_.below(2) == 0) {
      now_ += (1 + random_.below(5)) * hour;
    } else {
      now_ -= std::min<uint64_t>(now_ - second, random_.below(20) * second + random_.below(1000));
    }
    ordinary();
  }

  /// More flows than a table of 512 holds, in one direction.
  void many_tuples() {
    const Ends to = ends();
    const uint16_t base = static_cast<uint16_t>(random_.below(60'000));
    for (uint32_t i = 600 + random_.below(200); i > 0 && !full(); --i) {
      put(udp_exchange({.ends = to}, static_cast<uint16_t>(base + i), 9000, 1, 0));
    }
  }

  void echo_pair() { put(ping(route(), port(), static_cast<uint16_t>(1 + random_.below(3)), 20)); }

  /// Fragments in any order, perhaps one missing, perhaps one twice.
  void fragment_disorder() {
    Conversation parts = fragmented_exchange(route(), port(), port(), 900 + random_.below(3000), 400,
                                             static_cast<uint32_t>(random_.next()));
    for (size_t i = parts.size(); i > 1; --i)
      std::swap(parts[i - 1], parts[random_.below(static_cast<uint32_t>(i))]);
    if (random_.below(3) == 0) parts.pop_back();
    if (random_.below(3) == 0) parts.push_back(parts.front());
    put(parts);
  }

  /// A good packet with some bytes of its headers changed, or cut short.
  void malformed() {
    Event event = tcp_conversation({.route = route(), .client_port = port(), .server_port = 80}).front();
    if (random_.below(3) == 0) event.frame.resize(random_.below(static_cast<uint32_t>(event.frame.size())));
    const auto reach = static_cast<uint32_t>(event.frame.size());
    for (uint32_t i = 1 + random_.below(3); i > 0 && reach > 0; --i) {
      event.frame[random_.below(reach)] = static_cast<uint8_t>(random_.next());
    }
    put(event.side, event.frame);
  }

  void not_ip() {
    const Mac here{0x02, 0, 0, 0, 0, 1};
    const Side side = random_.below(2) == 0 ? Side::lan : Side::wan;
    const Ends v4{address("192.0.2.1"), address("192.0.2.2")};
    switch (random_.below(3)) {
      case 0:
        return put(side, arp(1, here, v4.src, {}, v4.dst));
      case 1:
        return put(side, bridged(side, pattern(46), uint16_t{0x88cc}));  // LLDP, by its number at least
      default:
        return put(side, bridged(side, pattern(46, 0x42), uint16_t{46}));  // IEEE 802.3 with LLC
    }
  }

  void jumbo() { put(udp_exchange(route(), port(), port(), 1500 + random_.below(7000), 8900)); }

  /// Once a capture: an IPv4 packet of 64,986 bytes, a frame of 65,000.
  void largest() {
    put(udp_exchange({.ends = {address("192.0.2.1"), address("198.51.100.1")}}, 5000, 5001, 64'958, 0));
  }

  void cut_by_snaplen() {
    const Event event = udp_exchange(route(), port(), port(), 1000, 0).front();
    Bytes part = event.frame;
    part.resize(random_.below(4) == 0 ? random_.below(60) : 60 + random_.below(40));
    put(event.side, part, static_cast<uint32_t>(event.frame.size()));
  }

  /// The answer before the question.
  void reply_first() {
    Conversation talk = udp_exchange(route(), port(), 53, 30, 60);
    std::swap(talk[0], talk[1]);
    put(talk);
  }

  /// An ICMP error right behind, or before, the packet that it quotes.
  void quoted_error() {
    Conversation talk = refused_datagram(route(), port(), port());
    if (random_.below(4) == 0) std::swap(talk[0], talk[1]);
    put(talk);
  }

  /// The same ports again as soon as a connection is closed.
  void reopened_port() {
    TcpPlan plan{.route = route(),
                 .client_port = port(),
                 .server_port = 80,
                 .client_isn = 100,
                 .server_isn = 900,
                 .turns = {{10, 10}}};
    plan.end = random_.below(2) == 0 ? TcpPlan::End::fin : TcpPlan::End::reset;
    put(tcp_conversation(plan));
    plan.client_isn = 500'000;
    put(tcp_conversation(plan));
  }

  void ordinary() {
    put(tcp_conversation({.route = route(),
                          .client_port = port(),
                          .server_port = 443,
                          .client_isn = 1,
                          .server_isn = 2,
                          .turns = {{100, 3000}}}));
  }

  Random random_;
  size_t packets_wanted_ = 0;
  uint64_t now_ = capture_begin_ns;
  TwoSides capture_;
};

}  // namespace

TwoSides hazards_capture(uint64_t seed, size_t packets) { return Hazards(seed).make(packets); }

}  // namespace bulkhead::test
