#include <array>

#include "tests/simulation/making.h"
#include "tests/simulation/workload.h"

namespace bulkhead::test {
namespace {

/// Few conversations that go on and on, which is what the fast lane takes; and whatever brings them back from there.
class Streams : Making {
 public:
  explicit Streams(uint64_t seed) : Making(seed) {
    for (uint32_t i = 0; i < talks_.size(); ++i) talks_[i].port = static_cast<uint16_t>(3000 + i);
  }

  Input make(size_t packets) {
    return Making::make(packets, [this] { step(); });
  }

 private:
  struct Talk {
    uint16_t port = 0;
    bool open = false;                     // TCP
    std::array<uint32_t, 2> next{1, 1};    // sequence numbers of lan, wan
  };

  void step() {
    Talk& talk = talks_[random_.below(static_cast<uint32_t>(talks_.size()))];
    switch (random_.below(40)) {
      case 0: return error(talk);
      case 1: return end(talk);
      case 2: return pause();
      case 3: return odd(talk);
      case 4: return flood();
      default: break;
    }
    for (uint32_t i = 1 + random_.below(12); i > 0; --i) say(talk);
  }

  [[nodiscard]] static bool is_tcp(const Talk& talk) { return talk.port % 2 == 0; }
  /// Those of 10.0.0.4 and behind are translated.
  [[nodiscard]] static bool is_translated(const Talk& talk) { return talk.port >= 3004; }
  [[nodiscard]] static Ends ends(const Talk& talk, bool back) {
    Ends const there{address("10.0.0.1").plus(talk.port - 3000U), address("192.0.2.1")};
    if (!back) return there;
    return {there.dst, is_translated(talk) ? address("192.0.2.254") : there.src};
  }

  void segment(Talk& talk, bool back, uint8_t flags, size_t length = 0, const IpFields& options = {}) {
    Segment segment{.src_port = back ? uint16_t{80} : talk.port,
                    .dst_port = back ? talk.port : uint16_t{80},
                    .seq = talk.next[back ? 1 : 0],
                    .ack = talk.next[back ? 0 : 1],
                    .flags = flags};
    segment.payload = pattern(length);
    talk.next[back ? 1 : 0] += static_cast<uint32_t>(length);
    add(back ? kWan : kLan, ethernet(ip(ends(talk, back), packet::protocol::tcp, tcp(ends(talk, back), segment), options)));
  }
  void open(Talk& talk) {
    talk.open = true;
    talk.next = {0, 0};
    for (bool const back : {false, true}) {
      Segment segment{.src_port = back ? uint16_t{80} : talk.port,
                      .dst_port = back ? talk.port : uint16_t{80},
                      .seq = 0,
                      .ack = back ? 1U : 0U,
                      .flags = static_cast<uint8_t>(back ? tcp_flag::syn | tcp_flag::ack : tcp_flag::syn),
                      .options = syn_options(1460)};
      add(back ? kWan : kLan, ethernet(ip(ends(talk, back), packet::protocol::tcp, tcp(ends(talk, back), segment))));
    }
    talk.next = {1, 1};
    segment(talk, false, tcp_flag::ack);
  }
  void say(Talk& talk) {
    bool const back = random_.below(3) == 0;
    if (is_tcp(talk)) {
      if (!talk.open) open(talk);
      uint8_t const push = random_.below(2) == 0 ? tcp_flag::psh : uint8_t{0};
      return segment(talk, back, tcp_flag::ack | push, random_.below(80));
    }
    datagram(talk, back, 20 + random_.below(60));
  }
  void datagram(const Talk& talk, bool back, size_t length, const IpFields& options = {}) {
    Ends const there = ends(talk, back);
    uint16_t const from = back ? 53 : talk.port, to = back ? talk.port : 53;
    add(back ? kWan : kLan, ethernet(ip(there, packet::protocol::udp, udp(there, from, to, pattern(length)), options)));
  }
  /// About a packet as it is outside.
  void error(Talk& talk) {
    Ends const there = ends(talk, true).back();
    Bytes const packet = is_tcp(talk) ? ip(there, packet::protocol::tcp, tcp(there, {.src_port = talk.port, .dst_port = 80, .flags = tcp_flag::ack}))
                                      : ip(there, packet::protocol::udp, udp(there, talk.port, 53, pattern(12)));
    add(kWan, ethernet(ip(there.back(), packet::protocol::icmp, icmp_error(there.back(), 3, 1, packet))));
  }
  void end(Talk& talk) {
    if (!is_tcp(talk)) return say(talk);
    bool const back = random_.below(2) == 0;
    segment(talk, back, random_.below(2) == 0 ? tcp_flag::fin | tcp_flag::ack : tcp_flag::rst | tcp_flag::ack);
    if (random_.below(2) == 0) segment(talk, !back, tcp_flag::fin | tcp_flag::ack);
    for (uint32_t i = random_.below(3); i > 0; --i) segment(talk, back, tcp_flag::ack, 10);
    talk.open = random_.below(2) == 0;
  }
  /// Past the time-outs of UDP, answered or not, of a stream; and of a TCP connection that waits for an end.
  void pause() {
    constexpr std::array<uint64_t, 6> pauses{1, 3, 29, 31, 121, 301};
    time_ += pauses[random_.below(6)] * kSecond;
  }
  /// What a lane does not take: the last hop, too big a packet, a wrong checksum, a window left, an option, fragments.
  void odd(Talk& talk) {
    switch (random_.below(6)) {
      case 0: return datagram(talk, false, 20, {.hop_limit = 1});
      case 1: return datagram(talk, false, 1350);
      case 2: return spoilt(talk);
      case 3: {
        talk.next[0] += random_.below(2) == 0 ? 10'000'000 : 3;
        return is_tcp(talk) ? segment(talk, false, tcp_flag::ack, 5) : say(talk);
      }
      case 4: {
        if (!is_tcp(talk)) return say(talk);
        for (int i = 0; i < 4; ++i) {
          segment(talk, false, tcp_flag::ack, 40);
          talk.next[0] -= 40;
        }
        return;
      }
      default: {
        Ends const there = ends(talk, false);
        for (const Bytes& part : fragments(ip(there, packet::protocol::udp, udp(there, talk.port, 53, pattern(90))), 40, static_cast<uint32_t>(made())))
          add(kLan, ethernet(part));
      }
    }
  }
  /// A wrong checksum, and then perhaps no hop left: what is said about it is of the flow that it is no packet of. From outside perhaps to
  /// the inner address.
  void spoilt(const Talk& talk) {
    bool const back = random_.below(2) == 0;
    Ends const there = back ? ends(talk, false).back() : ends(talk, false);
    IpFields const options{.hop_limit = random_.below(2) == 0 ? uint8_t{1} : uint8_t{64}};
    uint16_t const from = back ? 53 : talk.port, to = back ? talk.port : 53;
    Bytes frame = is_tcp(talk) ? ethernet(ip(there, packet::protocol::tcp, tcp(there, {.src_port = back ? uint16_t{80} : talk.port, .dst_port = back ? talk.port : uint16_t{80}}), options))
                               : ethernet(ip(there, packet::protocol::udp, udp(there, from, to, pattern(30)), options));
    frame.back() ^= 1;
    add(back ? kWan : kLan, std::move(frame));
  }
  /// Many at once, which fill up the table.
  void flood() {
    for (uint32_t i = random_.below(30); i > 0; --i) {
      Ends const there{address("10.0.0.100").plus(random_.below(100)), address("192.0.2.1")};
      add(kLan, ethernet(ip(there, packet::protocol::udp, udp(there, 5000, 53, pattern(20)))));
    }
  }

  std::array<Talk, 8> talks_;
};

}  // namespace

Input streams(uint64_t seed, size_t packets) { return Streams(seed).make(packets); }

}  // namespace bulkhead::test
