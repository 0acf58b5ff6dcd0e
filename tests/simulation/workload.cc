#include "tests/simulation/workload.h"

#include <array>

#include "tests/simulation/making.h"

namespace bulkhead::test {
namespace {

class Hazards : Making {
 public:
  explicit Hazards(uint64_t seed) : Making(seed) {}

  Input make(size_t packets) {
    return Making::make(packets, [this] { step(); });
  }

 private:
  void step() {
    switch (random_.below(21)) {
      case 0: return handshake();
      case 1: return twice();
      case 2: return ping();
      case 3: return unreachable();
      case 4: return crowd();
      case 5: return jump();
      case 6: return odd();
      case 7: return large();
      case 8: return reset();
      case 9: return again();
      case 10: return window();
      case 11: return refused();
      case 12: return retransmissions();
      case 13: return bad_checksum();
      case 14: return assured();
      case 15: return strange();
      case 16:
      case 17: return pieces();
      default: return talk();
    }
  }

  Ends ends(uint32_t client) { return {address("10.0.0.1").plus(client), address("192.0.2.1")}; }
  Ends ends6(uint32_t client) { return {address("2001:db8::1").plus(client), address("2001:db8:1::1")}; }

  /// Numbers as they should be: both SYNs have 0. `back`: from the server.
  Bytes numbered(const Ends& there, uint16_t port, bool back, uint8_t flags, uint32_t seq, uint32_t ack,
                 size_t length = 0) {
    Segment segment{.src_port = back ? uint16_t{80} : port,
                    .dst_port = back ? port : uint16_t{80},
                    .seq = seq,
                    .ack = ack,
                    .flags = flags};
    segment.payload = pattern(length);
    if ((flags & tcp_flag::syn) != 0) segment.options = syn_options(1460);
    Ends const ends = back ? there.back() : there;
    return ethernet(ip(ends, packet::protocol::tcp, tcp(ends, segment)));
  }
  void opened(const Ends& there, uint16_t port) {
    add(0, numbered(there, port, false, tcp_flag::syn, 0, 0));
    add(1, numbered(there, port, true, tcp_flag::syn | tcp_flag::ack, 0, 1));
    add(0, numbered(there, port, false, tcp_flag::ack, 1, 1));
  }
  void handshake() { opened(ends(random_.below(6)), static_cast<uint16_t>(1000 + random_.below(4))); }
  /// Data in the window, beyond it, before it, and acknowledged by an end of both.
  void window() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(1100 + random_.below(2));
    opened(there, port);
    add(0, numbered(there, port, false, tcp_flag::ack, 1, 1, 100));
    add(1, numbered(there, port, true, tcp_flag::ack, 1, 101));
    constexpr uint32_t starts[] = {101, 70000, 10'000'000, 0xffff0000, 0x80000000};
    add(0, numbered(there, port, false, tcp_flag::ack, starts[random_.below(5)], 1, 10));
    add(1, numbered(there, port, true, tcp_flag::ack, 1, random_.below(2) == 0 ? 111 : 5'000'000));
    add(1, numbered(there, port, true, tcp_flag::rst, random_.below(3), 0));
    if (random_.below(2) != 0) return;
    add(0, numbered(there, port, false, tcp_flag::syn, 40'000, 0));
    add(1, numbered(there, port, true, tcp_flag::syn | tcp_flag::ack, 90'000, 40'001));
  }
  /// A flow that is gone with its second packet, and begins again with the third.
  void refused() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(1200 + random_.below(2));
    add(0, numbered(there, port, false, tcp_flag::syn, 0, 0));
    add(1, numbered(there, port, true, tcp_flag::rst | tcp_flag::ack, 0, 1));
    add(0, numbered(there, port, false, tcp_flag::syn, 0, 0));
  }
  void retransmissions() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(1300 + random_.below(2));
    opened(there, port);
    for (uint32_t i = 2 + random_.below(4); i > 0; --i)
      add(0, numbered(there, port, false, tcp_flag::ack, 1, 1, 50));
  }
  void bad_checksum() {
    Ends const there = ends(random_.below(6));
    Bytes bad = random_.below(2) == 0 ? segment(there, 1000, 80, tcp_flag::ack) : datagram(there, 3000, 53);
    bad[random_.below(2) == 0 ? bad.size() - 1 : 14 + 8] ^= 1;  // the transport's, or the IPv4 header's
    add(0, std::move(bad));
  }
  /// A stream, which a full table does not evict.
  void assured() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(8000 + random_.below(4));
    add(0, datagram(there, port, 53));
    add(1, datagram(there.back(), 53, port));
    time_ += 3 * kSecond;
    add(0, datagram(there, port, 53));
  }
  void reset() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(1000 + random_.below(4));
    add(0, segment(there, port, 80, tcp_flag::fin | tcp_flag::ack));
    add(1, segment(there.back(), 80, port, tcp_flag::rst));
    add(0, segment(there, port, 80, tcp_flag::syn));
  }
  void twice() {
    Ends const there = random_.below(2) == 0 ? ends(random_.below(6)) : ends6(random_.below(6));
    auto const port = static_cast<uint16_t>(2000 + random_.below(4));
    add(0, datagram(there, port, 53));
    add(0, datagram(there, port, 53));
    if (random_.below(2) == 0) add(1, datagram(there.back(), 53, port));
  }
  void talk() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(3000 + random_.below(3));
    bool const back = random_.below(2) != 0;
    add(back ? 1 : 0, back ? datagram(there.back(), 53, port) : datagram(there, port, 53));
  }
  void ping() {
    Ends const there = random_.below(2) == 0 ? ends(random_.below(6)) : ends6(random_.below(6));
    auto const id = static_cast<uint16_t>(random_.below(4));
    add(0, ethernet(ip(there, there.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6,
                       echo(there, true, id, 1, pattern(8)))));
    add(1, ethernet(ip(there.back(), there.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6,
                       echo(there.back(), false, id, 1, pattern(8)))));
  }
  void unreachable() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(4000 + random_.below(4));
    Bytes const packet = ip(there, packet::protocol::udp, udp(there, port, 99, pattern(12)));
    add(0, ethernet(packet));
    add(1, ethernet(ip(there.back(), packet::protocol::icmp, icmp_error(there.back(), 3, 3, packet))));
  }
  void crowd() {
    uint32_t const many = 4 + random_.below(20);
    for (uint32_t i = 0; i < many; ++i) {
      Ends const there = ends(100 + random_.below(200));
      add(0, datagram(there, 5000, 53));
    }
  }
  void jump() {
    if (random_.below(4) == 0) {
      time_ -= random_.below(3) * kSecond;
    } else {
      time_ += (1 + random_.below(200)) * kSecond;
    }
  }
  /// A flow's next packet when it has just expired, and no tick has come by since.
  void again() {
    Ends const there = ends(random_.below(6));
    auto const port = static_cast<uint16_t>(7000 + random_.below(2));
    add(0, datagram(there, port, 53));
    time_ += 30 * kSecond - 1000;
    add(0, datagram(ends(50), 7, 7));
    time_ += 2000;
    add(0, datagram(there, port, 53));
  }
  void odd() {
    switch (random_.below(4)) {
      case 0: return add(0, Bytes(static_cast<size_t>(random_.below(13)), 1));
      case 1: return add(1, arp(1, Mac{2, 0, 0, 0, 0, 1}, address("10.0.0.1"), Mac{}, address("10.0.0.2")));
      case 2: {
        Bytes cut = datagram(ends(1), 1, 2);
        cut.resize(14 + 12);
        return add(0, cut);
      }
      default:
        for (const Bytes& part :
             fragments(ip(ends(1), packet::protocol::udp, udp(ends(1), 7, 8, pattern(60))), 24, 77))
          add(0, ethernet(part));
    }
  }
  /// A datagram in fragments: in any order, one missing, one twice, one that contradicts, two datagrams at a time; a SYN too,
  /// and what is larger than the way.
  void pieces() {
    bool const six = random_.below(3) == 0, syn = random_.below(4) == 0;
    Ends const there = six ? ends6(random_.below(6)) : ends(random_.below(6));
    auto const port = static_cast<uint16_t>(3000 + random_.below(4));
    Bytes const whole = syn ? ip(there, packet::protocol::tcp, tcp(there, {.src_port = port, .dst_port = 80, .flags = tcp_flag::syn, .options = syn_options(1460)}))
                            : ip(there, packet::protocol::udp, udp(there, port, 53, pattern(20 + random_.below(80))));
    std::vector<Bytes> parts = fragments(whole, 8 * (1 + random_.below(4)), random_.below(3));
    if (random_.below(2) == 0) parts = {parts.front(), parts.back()};
    for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random_.below(static_cast<uint32_t>(i))]);
    switch (random_.below(6)) {
      case 0: parts.pop_back(); break;
      case 1: parts.push_back(parts.front()); break;
      case 2: parts.insert(parts.begin() + 1, fragments(whole, 16, random_.below(3)).front()); break;
      default: break;
    }
    if (parts.size() > 6) parts.resize(6);
    for (const Bytes& part : parts) {
      add(random_.below(30) == 0 ? 1 : 0, ethernet(part));
      if (random_.below(8) == 0) talk();
    }
  }
  /// What a router does not send on: the last hop, nowhere to go, too big for the way, for itself.
  void strange() {
    static constexpr std::array<const char*, 4> places{"192.0.2.1", "203.0.113.5", "10.0.0.254", "127.0.0.1"};
    Ends const there{address("10.0.0.1").plus(random_.below(6)), address(places[random_.below(4)])};
    auto const hops = static_cast<uint8_t>(1 + random_.below(3));
    add(0, ethernet(ip(there, packet::protocol::udp, udp(there, 7100, 53, pattern(random_.below(2) * 1400)), {.hop_limit = hops})));
    Ends const six = ends6(random_.below(6));
    add(0, ethernet(ip(six, packet::protocol::udp, udp(six, 7100, 53, pattern(random_.below(2) * 1400)), {.hop_limit = hops})));
  }
  void large() { add(0, datagram(ends(2), 6000, 53, 2300)); }
};

}  // namespace

Input hazards(uint64_t seed, size_t packets) { return Hazards(seed).make(packets); }

}  // namespace bulkhead::test
