#include <array>

#include "tests/simulation/making.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

/// Clients at lan, servers at wan, servers at lan that the router's address stands for, and guesses at what NAT chose.
class Translations : Making {
 public:
  explicit Translations(uint64_t seed) : Making(seed) {}

  Input make(size_t packets) {
    return Making::make(packets, [this] { step(); });
  }

 private:
  void step() {
    switch (random_.below(12)) {
      case 0: return clash();
      case 1: return forwarded();
      case 2: return ping();
      case 3: return said();
      case 4: return hairpin();
      case 5: return ranges();
      case 6: return redirected();
      case 7: return taken();
      case 8: time_ += (1 + random_.below(100)) * kSecond; return;
      case 9: return handshake();
      default: return guess();
    }
  }

  static Address client(uint32_t which) { return address("10.0.0.1").plus(which); }
  static Address server() { return address("192.0.2.1"); }
  static Address router() { return address("192.0.2.254"); }
  uint16_t port() { return static_cast<uint16_t>(2000 + random_.below(4)); }

  /// Clients with the same port, and at once what answers the ports that they may get.
  void clash() {
    uint16_t const from = port();
    for (uint32_t i = 1 + random_.below(4); i > 0; --i) add(kLan, datagram({client(random_.below(4)), server()}, from, 53));
    add(kWan, datagram({server(), router()}, 53, from));
    if (random_.below(2) == 0) add(kWan, datagram({server(), router()}, 53, static_cast<uint16_t>(1024 + random_.below(64512))));
  }
  void guess() { add(kWan, datagram({server(), router()}, 53, port())); }
  void handshake() {
    Ends const there{client(random_.below(4)), server()};
    uint16_t const from = port();
    add(kLan, segment(there, from, 80, tcp_flag::syn));
    add(kWan, segment({server(), router()}, 80, from, tcp_flag::syn | tcp_flag::ack, 0, 1));
    add(kLan, segment(there, from, 80, tcp_flag::ack, 1, 1));
  }
  /// From outside to a server behind the router's address, which answers before and after the first packet's fate is known.
  void forwarded() {
    uint16_t const from = port();
    uint16_t const to = random_.below(2) == 0 ? 8080 : 8443;
    Address const behind = client(to == 8080 ? 1 : 2);
    add(kWan, segment({server(), router()}, from, to, tcp_flag::syn));
    add(kLan, segment({behind, server()}, to == 8080 ? 80 : 443, from, tcp_flag::syn | tcp_flag::ack, 0, 1));
    add(kWan, segment({server(), router()}, from, to, tcp_flag::ack, 1, 1));
  }
  void ping() {
    auto const id = static_cast<uint16_t>(random_.below(3));
    Ends const there{client(random_.below(4)), server()}, back{server(), router()};
    add(kLan, ethernet(ip(there, packet::protocol::icmp, echo(there, true, id, 1, pattern(8)))));
    add(kWan, ethernet(ip(back, packet::protocol::icmp, echo(back, false, id, 1, pattern(8)))));
  }
  /// ICMP errors about packets as they are outside, and inside.
  void said() {
    uint16_t const from = port();
    Ends const there{client(random_.below(4)), server()}, outside{router(), server()};
    Bytes const packet = ip(there, packet::protocol::udp, udp(there, from, 53, pattern(12)));
    Bytes const seen = ip(outside, packet::protocol::udp, udp(outside, from, 53, pattern(12)));
    add(kLan, ethernet(packet));
    Ends const back{address("192.0.2.9"), router()};
    add(kWan, ethernet(ip(back, packet::protocol::icmp, icmp_error(back, 3, 1, seen))));
    if (random_.below(2) != 0) return;
    Ends const wrong{server(), there.src};
    add(kWan, ethernet(ip(wrong, packet::protocol::icmp, icmp_error(wrong, 3, 3, packet))));
  }
  void hairpin() {
    uint16_t const from = port();
    Ends const there{client(random_.below(4)), router()};
    add(kLan, segment(there, from, 8080, tcp_flag::syn));
    Ends const back{client(1), address("10.0.0.254")};
    add(kLan, segment(back, 80, from, tcp_flag::syn | tcp_flag::ack, 0, 1));
  }
  /// More clients than a range has ports, and a range of addresses.
  void ranges() {
    for (uint32_t i = 1 + random_.below(3); i > 0; --i)
      add(kLan, datagram({client(4 + random_.below(12)), server()}, port(), 53));
    add(kWan, datagram({server(), address("203.0.113.1").plus(random_.below(3))}, 53, port()));
    add(kWan, datagram({server(), router()}, port(), 5353));
    add(kLan, datagram({client(random_.below(3)), server()}, 53, port()));
  }
  void redirected() {
    Ends const there{client(random_.below(4)), server()};
    uint16_t const from = port();
    add(kLan, datagram(there, from, 9999));
    add(kLan, datagram(there, from, 9999));
  }
  /// A client whose own tuple is what another one's flow comes back with.
  void taken() {
    uint16_t const from = port();
    add(kLan, datagram({client(0), server()}, from, 53));
    add(kLan, datagram({router(), server()}, from, 53));
    add(kWan, datagram({server(), router()}, 53, from));
  }
};

}  // namespace

Input translations(uint64_t seed, size_t packets) { return Translations(seed).make(packets); }

}  // namespace bulkhead::test
