#include <algorithm>

#include "tests/differential/cases.h"

namespace bulkhead::test {
namespace {

namespace flag = tcp_flag;

/// One end of a conversation, as it sees itself.
struct Host {
  Ends ends;
  uint16_t port, other_port;
  uint32_t first, next;  // sequence numbers: of its SYN, of what it sends next
  uint16_t window;
  uint8_t scale;
  bool scales, sacks;
};

class TcpCase {
 public:
  TcpCase(uint64_t seed, const Parties& parties) : random_(seed) {
    const Ends& there = parties.ends;
    uint16_t const server = parties.server_port != 0 ? parties.server_port : 80;
    auto port = static_cast<uint16_t>(1024 + random_.below(60000));
    if (parties.client_port != 0) port = parties.client_port;
    bool const turned = random_.below(4) == 0;  // the wan side begins
    hosts_[0] = host(there, port, server);
    hosts_[1] = host(there.back(), server, port);
    client_ = turned ? 1 : 0;
  }

  Case make() {
    open();
    for (uint32_t steps = 3 + random_.below(40); steps > 0; --steps) step(random_.below(2));
    return std::move(packets_);
  }

 private:
  Host host(const Ends& ends, uint16_t port, uint16_t other_port) {
    Host made{ends, port, other_port, 0, 0, 0, 0, random_.below(3) != 0, random_.below(3) != 0};
    renew(made);
    return made;
  }
  void renew(Host& host) {
    constexpr uint32_t edges[] = {0, 0xffffff00, 0x7fffff00, 1};
    host.first = random_.below(4) == 0 ? edges[random_.below(4)] : static_cast<uint32_t>(random_.next());
    host.next = host.first;
    constexpr uint16_t windows[] = {0, 1, 100, 1460, 5840, 29200, 64240, 65535};
    host.window = windows[random_.below(8)];
    host.scale = static_cast<uint8_t>(random_.below(17));
  }

  Host& me(size_t i) { return hosts_[i]; }
  Host& peer(size_t i) { return hosts_[1 - i]; }

  void send(size_t i, Segment segment, bool bad_checksum = false) {
    const Host& from = me(i);
    segment.src_port = from.port;
    segment.dst_port = from.other_port;
    Bytes l4 = tcp(from.ends, segment);
    if (bad_checksum) l4[16] ^= static_cast<uint8_t>(1 + random_.below(255));
    packets_.push_back({i == 0 ? Side::lan : Side::wan, from.ends, packet::protocol::tcp, std::move(l4)});
  }
  Segment plain(size_t i, uint8_t flags = flag::ack) {
    Segment segment;
    segment.seq = me(i).next;
    segment.ack = (flags & flag::ack) != 0 ? peer(i).next : 0;
    segment.flags = flags;
    segment.window = me(i).window;
    return segment;
  }
  Bytes options_of_syn(const Host& host) {
    Bytes options{2, 4, 5, 0xb4};
    if (host.sacks) options.insert(options.end(), {4, 2});
    if (host.scales) options.insert(options.end(), {1, 3, 3, host.scale});
    return random_.below(12) == 0 ? Bytes{} : options;
  }

  /// Distances at which bounds lie.
  uint32_t distance(size_t i) {
    uint32_t const window = static_cast<uint32_t>(peer(i).window)
                            << (peer(i).scales ? std::min<int>(peer(i).scale, 14) : 0);
    const uint32_t all[] = {1,
                            2,
                            100,
                            1460,
                            65535,
                            65536,
                            66000,
                            66001,
                            70000,
                            window,
                            window + 1,
                            window - 1,
                            200000,
                            0x7fffffff,
                            0x80000000,
                            random_.below(3000),
                            static_cast<uint32_t>(random_.next())};
    uint32_t const chosen = all[random_.below(std::size(all))];
    return random_.below(2) == 0 ? chosen : -chosen;
  }

  void syn(size_t i, bool answer) {
    Segment segment = plain(i, answer ? flag::syn | flag::ack : flag::syn);
    segment.seq = me(i).first;
    segment.options = options_of_syn(me(i));
    if (random_.below(30) == 0) segment.payload = pattern(random_.below(100));
    send(i, segment);
    me(i).next = me(i).first + 1 + static_cast<uint32_t>(segment.payload.size());
  }
  void handshake(size_t i) {
    syn(i, false);
    if (random_.below(12) == 0) syn(i, false);
    syn(1 - i, true);
    if (random_.below(12) == 0) syn(1 - i, true);
    send(i, plain(i));
  }
  void open() {
    size_t const c = client_, s = 1 - client_;
    switch (random_.below(12)) {
      case 0:  // both at once
        syn(c, false);
        syn(s, false);
        syn(random_.below(2), true);
        if (random_.below(2) == 0) send(s, plain(s));
        return;
      case 1:  // in the middle
        me(c).next += 5000;
        me(s).next += 7000;
        return data(c);
      case 2:  // refused
        syn(c, false);
        return reset(s, flag::rst | flag::ack);
      case 3:  // half open: the server remembers another one
        syn(c, false);
        me(s).next += 1000;
        send(s, challenge(s));
        if (random_.below(2) == 0) return challenged(c);
        return;
      case 4: return syn(c, false);
      default: return handshake(c);
    }
  }
  Segment challenge(size_t i) {
    Segment segment = plain(i);
    if (random_.below(2) == 0) segment.ack = static_cast<uint32_t>(random_.next());
    return segment;
  }
  /// The reset that answers a challenge ACK.
  void challenged(size_t i) {
    Segment segment = plain(i, flag::rst);
    segment.seq = challenge(1 - i).ack;
    send(i, segment);
  }

  void data(size_t i) {
    Segment segment = plain(i, flag::ack | flag::psh);
    segment.payload = pattern(1 + random_.below(1400));
    send(i, segment);
    me(i).next += static_cast<uint32_t>(segment.payload.size());
  }
  void reset(size_t i, uint8_t flags) {
    Segment segment = plain(i, flags);
    if (random_.below(2) == 0) segment.seq += distance(i);
    if (random_.below(4) == 0) segment.seq = 0;
    if (random_.below(4) == 0) segment.ack = random_.below(2) == 0 ? 0 : segment.ack + distance(i);
    send(i, segment);
  }
  void sack(size_t i) {
    Segment segment = plain(i);
    segment.options = {1, 1, 5, 10};
    uint32_t const left = segment.ack + random_.below(2000),
                   right = left + (random_.below(2) == 0 ? 1000 : distance(i));
    for (uint32_t edge : {left, right})
      for (int shift = 24; shift >= 0; shift -= 8) segment.options.push_back(static_cast<uint8_t>(edge >> shift));
    send(i, segment);
  }
  void fin(size_t i) {
    Segment segment = plain(i, flag::fin | flag::ack);
    if (random_.below(6) == 0) segment.seq += distance(i);
    if (random_.below(6) == 0) segment.ack += distance(i);
    send(i, segment);
    ++me(i).next;
  }
  void reopen(size_t i) {
    if (random_.below(2) == 0) {
      for (Host& host : hosts_) renew(host);
      return handshake(i);
    }
    Host const old = me(i);  // a SYN that the other end knows nothing of, and what it says to it
    renew(me(i));
    syn(i, false);
    if (random_.below(2) == 0) me(i) = old;
    if (random_.below(2) == 0) return send(1 - i, plain(1 - i));
    if (random_.below(2) == 0) return reset(1 - i, flag::rst | flag::ack);
    syn(1 - i, true);
  }
  void again() {
    if (packets_.empty()) return;
    CasePacket const last =
        packets_[packets_.size() - 1 -
                 random_.below(std::min<uint32_t>(3, static_cast<uint32_t>(packets_.size())))];
    for (uint32_t times = 1 + random_.below(4); times > 0; --times) packets_.push_back(last);
  }
  void farewell(size_t i) {
    fin(i);
    send(1 - i, plain(1 - i));
    fin(1 - i);
    if (random_.below(4) != 0) send(i, plain(i));
  }

  void step(size_t i) {
    switch (uint32_t const what = random_.below(100)) {
      case 0: case 1: case 2: case 3: me(i).next += 1 + random_.below(3000); return;  // lost
      case 4: case 5: case 6: case 7: return fin(i);
      case 8: case 9: return farewell(i);
      case 10: case 11: case 12: return reset(i, flag::rst);
      case 13: case 14: case 15: return reset(i, flag::rst | flag::ack);
      case 16: case 17: case 18: return reopen(i);
      case 19: return syn(i, false);
      case 20: return syn(i, true);
      case 21: case 22: case 23: case 24: return again();
      case 25: case 26: case 27: case 28: return sack(i);
      case 29:
        me(i).window = random_.below(2) == 0 ? 0 : static_cast<uint16_t>(random_.next());
        return send(i, plain(i));
      case 30: return send(i, plain(i, static_cast<uint8_t>(random_.below(256))));
      case 31: case 32: return send(i, plain(i), true);
      default: return ordinary(i, what);
    }
  }
  void ordinary(size_t i, uint32_t what) {
    Segment segment = plain(i);
    if (what < 40) {
      segment.seq += distance(i);
    } else if (what < 45) {
      segment.ack += distance(i);
    } else if (what < 52) {
      segment.seq -= random_.below(3000);
    } else if (what >= 70) {
      return data(i);
    }
    if (what >= 58) return send(i, segment);
    segment.payload = pattern(random_.below(1400));
    send(i, segment);
  }

  Random random_;
  std::array<Host, 2> hosts_{};  // lan, wan
  size_t client_;
  Case packets_;
};

}  // namespace

Case tcp_case(uint64_t seed, const Parties& parties) { return TcpCase(seed, parties).make(); }

}  // namespace bulkhead::test
