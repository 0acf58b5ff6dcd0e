// tests/tools/sample.cc: the small capture that shows everything once. What is in it is checked by
// tests/replay/sample_test.sh.
#include "tests/tools/captures.h"

namespace bulkhead::test {

namespace {

constexpr uint64_t millisecond = 1'000'000;

const Ends v4{address("192.0.2.10"), address("198.51.100.20")};
const Ends v6{address("2001:db8:1::10"), address("2001:db8:2::20")};

Route route(const Ends& ends, std::vector<uint16_t> vlans = {}) {
  return {.ends = ends, .from = Side::lan, .gap_ns = millisecond, .vlans = std::move(vlans)};
}

class Sample {
 public:
  TwoSides make() {
    neighbours();
    for (const Ends& ends : {v4, v6}) ordinary(ends);
    tagged();
    translated();
    for (const Ends& ends : {v4, v6}) {
      place(fragmented_exchange(route(ends), 5001, 5002, 3000, 1400, 0x100));
      place(refused_datagram(route(ends), 5003, 5004));
    }
    port_scan();
    malformed();
    return std::move(capture_);
  }

 private:
  void place(const Conversation& conversation) {
    capture_.add(now_, conversation);
    now_ += (conversation.size() + 10) * millisecond;
  }
  void place(Side side, const Bytes& frame) { place({{0, side, frame}}); }

  void neighbours() {
    const Mac lan{0x02, 0, 0, 0, 0, 0x0a}, wan{0x02, 0, 0, 0, 0, 0x0b};
    place(Side::lan, arp(1, lan, v4.src, {}, v4.dst));
    place(Side::wan, arp(2, wan, v4.dst, lan, v4.src));
    IpFields local;
    local.hop_limit = 255;
    const Ends ask{v6.src, address("ff02::1:ff00:20")}, answer = v6.back();
    place(Side::lan, bridged(Side::lan, ip(ask, packet::protocol::icmpv6, neighbour(ask, 135, v6.dst, lan), local)));
    place(Side::wan,
          bridged(Side::wan, ip(answer, packet::protocol::icmpv6, neighbour(answer, 136, v6.dst, wan), local)));
  }

  void ordinary(const Ends& ends) {
    place(tcp_conversation({.route = route(ends),
                            .client_port = 40001,
                            .server_port = 80,
                            .client_isn = 1000,
                            .server_isn = 0xffff'ff00,
                            .turns = {{200, 5000}, {300, 12000}, {100, 80}}}));
    place(tcp_conversation({.route = route(ends),
                            .client_port = 40002,
                            .server_port = 22,
                            .client_isn = 7,
                            .server_isn = 9,
                            .turns = {{50, 60}},
                            .end = TcpPlan::End::reset}));
    Route inward = route(ends.back());
    inward.from = Side::wan;
    place(tcp_conversation({.route = inward,
                            .client_port = 50001,
                            .server_port = 25,
                            .client_isn = 5,
                            .server_isn = 6,
                            .turns = {{10, 100}}}));
    for (uint16_t i = 0; i < 8; ++i) {
      place(udp_exchange(route(ends), static_cast<uint16_t>(33000 + i), 9000, 40, 120));
    }
    place(ping(route(ends), 0x77, 5, 56));
  }

  void tagged() {
    place(tcp_conversation({.route = route(v4, {100}),
                            .client_port = 40003,
                            .server_port = 443,
                            .client_isn = 1,
                            .server_isn = 2,
                            .turns = {{20, 2000}}}));
    place(udp_exchange(route(v6, {100}), 33100, 9000, 40, 120));
    place(ping(route(v4, {200, 101}), 0x78, 2, 56));
  }

  /// As a router with NAT sees it: what `inner` sends is of `inside`, what comes from the other side is of `outside`.
  void place(Side inner, const Conversation& inside, const Conversation& outside) {
    Conversation seen;
    for (size_t i = 0; i < inside.size(); ++i) seen.push_back(inside[i].side == inner ? inside[i] : outside[i]);
    place(seen);
  }

  /// Two clients behind the router's address, and a server that one of its ports stands for (deploy/sample/).
  void translated() {
    Address const router = address("198.51.100.1"), server = v4.dst, guest = address("198.51.100.77");
    Ends const first{address("192.0.2.11"), server}, second{address("192.0.2.12"), server}, outside{router, server};
    auto const fetched = [](const Ends& ends) {
      return tcp_conversation({.route = route(ends), .client_port = 40100, .server_port = 443, .turns = {{100, 3000}}});
    };
    place(Side::lan, fetched(first), fetched(outside));
    uint16_t port = 35000;
    for (const Ends& inside : {first, second}) {
      place(Side::lan, udp_exchange(route(inside), port, 9000, 30, 90), udp_exchange(route(outside), port, 9000, 30, 90));
      ++port;
    }
    place(Side::lan, ping(route(second), 0x79, 3, 56), ping(route(outside), 0x79, 3, 56));
    auto const forwarded = [](const Ends& ends, uint16_t to) {
      Route inward = route(ends);
      inward.from = Side::wan;
      return tcp_conversation({.route = inward, .client_port = 52000, .server_port = to, .turns = {{200, 900}}});
    };
    place(Side::lan, forwarded({guest, address("192.0.2.13")}, 80), forwarded({guest, router}, 8080));
  }

  /// From the wan: 40 ports, of which every eighth refuses.
  void port_scan() {
    const Ends scan{address("198.51.100.66"), v4.src};
    for (uint16_t port = 20; port < 60; ++port) {
      const Segment syn{.src_port = 61000, .dst_port = port, .seq = 1, .flags = tcp_flag::syn};
      place(Side::wan, bridged(Side::wan, ip(scan, packet::protocol::tcp, tcp(scan, syn))));
      if (port % 8 != 0) continue;
      const Segment reset{
          .src_port = port, .dst_port = 61000, .ack = 2, .flags = tcp_flag::rst | tcp_flag::ack};
      place(Side::lan, bridged(Side::lan, ip(scan.back(), packet::protocol::tcp, tcp(scan.back(), reset))));
    }
  }

  /// The last three of the lan side.
  void malformed() {
    const Bytes good =
        ip(v4, packet::protocol::tcp, tcp(v4, {.src_port = 40009, .dst_port = 80, .flags = tcp_flag::syn}));
    Bytes header = bridged(Side::lan, good), offset = header, cut = header;
    header[14] = 0x44;  // IPv4 header of 16 bytes
    offset[46] = 0x20;  // TCP header of 8 bytes
    store_be16(offset.data() + 50, 0);
    cut.resize(14 + 12);  // ends within the IPv4 header
    for (const Bytes& frame : {header, offset, cut}) place(Side::lan, frame);
  }

  uint64_t now_ = capture_begin_ns;
  TwoSides capture_;
};

}  // namespace

TwoSides sample_capture() { return Sample().make(); }

}  // namespace bulkhead::test
