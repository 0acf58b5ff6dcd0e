#include <array>

#include "tests/simulation/workload.h"
#include "tests/tools/packets.h"

namespace bulkhead::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

/// Two TCP flows and two of UDP, with packets of none between theirs that rules make one of the other's (kChangingRules).
class Changes {
 public:
  explicit Changes(uint64_t seed) : random_(seed) {}

  Input make(size_t packets) {
    while (count_ < packets) step();
    return std::move(input_);
  }

 private:
  static constexpr size_t kLan = 0, kWan = 1;
  static constexpr uint16_t kServer = 80;

  void step() {
    auto const port = static_cast<uint16_t>(1100 + random_.below(2));
    switch (random_.below(10)) {
      case 0:
      case 1: return opened(port);
      case 2: return add(kLan, segment(port, false, tcp_flag::ack, 1 + random_.below(2), 1));
      case 3: return add(kWan, segment(port, true, tcp_flag::ack, 1, 1 + random_.below(2)));
      case 4: return add(kLan, datagram(static_cast<uint16_t>(3002 + random_.below(2))));
      case 6: return add(kLan, ethernet(ip({address("10.0.0.254"), address("192.0.2.254")}, protocol::udp, udp({address("10.0.0.254"), address("192.0.2.254")}, 3002, 53, pattern(20)))));
      case 5: time_ += random_.below(12) * kSecond; return;
      default: return impossible();
    }
  }
  /// In the window of the other flow or not; and what follows at once is judged by what the reset has made of it.
  void impossible() {
    bool const back = random_.below(2) == 0;
    uint8_t const flags = random_.below(2) == 0 ? tcp_flag::syn | tcp_flag::fin : tcp_flag::syn | tcp_flag::fin | tcp_flag::ack;
    add(back ? kWan : kLan, segment(back ? 1101 : 1100, back, flags, random_.below(3), random_.below(3)));
    uint16_t const other = back ? 1100 : 1101;
    if (random_.below(2) == 0) add(kLan, segment(other, false, random_.below(2) == 0 ? tcp_flag::syn : tcp_flag::ack, 1, 1));
    if (random_.below(2) == 0) add(kWan, segment(other, true, tcp_flag::ack, 1, 1));
  }
  void opened(uint16_t port) {
    add(kLan, segment(port, false, tcp_flag::syn, 0, 0));
    if (random_.below(4) == 0) return;
    add(kWan, segment(port, true, tcp_flag::syn | tcp_flag::ack, 0, 1));
    add(kLan, segment(port, false, tcp_flag::ack, 1, 1));
  }

  void add(size_t interface, Bytes frame) {
    time_ += random_.below(3) * 1000;
    input_[interface].push_back({time_, static_cast<uint32_t>(frame.size()), std::move(frame)});
    ++count_;
  }
  static Ends ends() { return {address("10.0.0.1"), address("192.0.2.1")}; }
  static Bytes datagram(uint16_t from) { return ethernet(ip(ends(), protocol::udp, udp(ends(), from, 53, pattern(20)))); }
  static Bytes segment(uint16_t port, bool back, uint8_t flags, uint32_t seq, uint32_t ack) {
    Ends const there = back ? ends().back() : ends();
    return ethernet(ip(there, protocol::tcp,
                       tcp(there, {.src_port = back ? kServer : port, .dst_port = back ? port : kServer, .seq = seq, .ack = ack, .flags = flags})));
  }

  Random random_;
  Input input_{2};
  uint64_t time_ = 1'700'000'000 * kSecond;
  size_t count_ = 0;
};

}  // namespace

Input changes(uint64_t seed, size_t packets) { return Changes(seed).make(packets); }

}  // namespace bulkhead::test
