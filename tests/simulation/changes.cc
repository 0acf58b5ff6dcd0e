#include <array>

#include "tests/simulation/making.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

/// Two TCP flows and two of UDP, with packets of none between theirs that rules make one of the other's (kChangingRules).
class Changes : Making {
 public:
  explicit Changes(uint64_t seed) : Making(seed) {}

  Input make(size_t packets) {
    return Making::make(packets, [this] { step(); });
  }

 private:
  static constexpr uint16_t kServer = 80;

  void step() {
    auto const port = static_cast<uint16_t>(1100 + random_.below(2));
    switch (random_.below(10)) {
      case 0:
      case 1: return opened(port);
      case 2: return add(kLan, numbered(port, false, tcp_flag::ack, 1 + random_.below(2), 1));
      case 3: return add(kWan, numbered(port, true, tcp_flag::ack, 1, 1 + random_.below(2)));
      case 4: return add(kLan, datagram(ends(), static_cast<uint16_t>(3002 + random_.below(2)), 53));
      case 6: return add(kLan, datagram({address("10.0.0.254"), address("192.0.2.254")}, 3002, 53));
      case 5: time_ += random_.below(12) * kSecond; return;
      default: return impossible();
    }
  }
  /// In the window of the other flow or not; and what follows at once is judged by what the reset has made of it.
  void impossible() {
    bool const back = random_.below(2) == 0;
    uint8_t const flags = random_.below(2) == 0 ? tcp_flag::syn | tcp_flag::fin : tcp_flag::syn | tcp_flag::fin | tcp_flag::ack;
    add(back ? kWan : kLan, numbered(back ? 1101 : 1100, back, flags, random_.below(3), random_.below(3)));
    uint16_t const other = back ? 1100 : 1101;
    if (random_.below(2) == 0) add(kLan, numbered(other, false, random_.below(2) == 0 ? tcp_flag::syn : tcp_flag::ack, 1, 1));
    if (random_.below(2) == 0) add(kWan, numbered(other, true, tcp_flag::ack, 1, 1));
  }
  void opened(uint16_t port) {
    add(kLan, numbered(port, false, tcp_flag::syn, 0, 0));
    if (random_.below(4) == 0) return;
    add(kWan, numbered(port, true, tcp_flag::syn | tcp_flag::ack, 0, 1));
    add(kLan, numbered(port, false, tcp_flag::ack, 1, 1));
  }

  static Ends ends() { return {address("10.0.0.1"), address("192.0.2.1")}; }
  static Bytes numbered(uint16_t port, bool back, uint8_t flags, uint32_t seq, uint32_t ack) {
    return back ? segment(ends().back(), kServer, port, flags, seq, ack) : segment(ends(), port, kServer, flags, seq, ack);
  }
};

}  // namespace

Input changes(uint64_t seed, size_t packets) { return Changes(seed).make(packets); }

}  // namespace bulkhead::test
