// tests/tools/mixed.cc: mixed: many conversations at once. udp64: small packets for measuring. And how both
// get into files.
#include <algorithm>

#include "tests/tools/captures.h"

namespace bulkhead::test {

namespace {

constexpr uint64_t millisecond = 1'000'000;

struct SidedPacket {
  Side side;
  Stamped packet;
};

class Mixed {
 public:
  explicit Mixed(uint64_t seed) : random_(seed) {}

  TwoSides make(size_t packets) {
    while (packets_.size() < packets) {
      for (const Event& event : conversation()) {
        packets_.push_back({event.side, {begin_ns_ + event.after_ns, event.frame, 0}});
      }
      begin_ns_ += random_.below(4) * millisecond + random_.below(1'000'000);
    }
    std::stable_sort(packets_.begin(), packets_.end(), [](const SidedPacket& a, const SidedPacket& b) {
      return a.packet.stamp_ns < b.packet.stamp_ns;
    });
    packets_.resize(packets);
    TwoSides out;
    for (SidedPacket& packet : packets_) out.add(packet.side, std::move(packet.packet));
    return out;
  }

 private:
  uint16_t port() { return static_cast<uint16_t>(1024 + random_.below(60'000)); }

  Route route() {
    static const Address clients[] = {address("192.0.2.1"), address("2001:db8:1::1")};
    static const Address servers[] = {address("198.51.100.1"), address("2001:db8:2::1")};
    const size_t family = random_.below(3) == 0 ? 1 : 0;
    Route out;
    out.ends = {clients[family].plus(random_.below(200)), servers[family].plus(random_.below(50))};
    out.gap_ns = (1 + random_.below(40)) * millisecond / 4;
    if (random_.below(10) == 0) {
      out.ends = out.ends.back();
      out.from = Side::wan;
    }
    return out;
  }

  Conversation tcp_talk() {
    static constexpr uint16_t servers[] = {80, 443, 22, 25, 8080};
    TcpPlan plan;
    plan.route = route();
    plan.client_port = port();
    plan.server_port = servers[random_.below(5)];
    plan.client_isn = static_cast<uint32_t>(random_.next());
    plan.server_isn = static_cast<uint32_t>(random_.next());
    for (uint32_t i = random_.below(5); i > 0; --i)
      plan.turns.push_back({1 + random_.below(600), random_.below(9000)});
    const uint32_t end = random_.below(10);
    plan.end = end == 0 ? TcpPlan::End::reset : end == 1 ? TcpPlan::End::none : TcpPlan::End::fin;
    return tcp_conversation(plan);
  }

  Conversation conversation() {
    const uint32_t kind = random_.below(100);
    if (kind < 50) return tcp_talk();
    if (kind < 80)
      return udp_exchange(route(), port(), 53, 30 + random_.below(30), random_.below(8) == 0 ? 0 : 100);
    if (kind < 90) return ping(route(), port(), static_cast<uint16_t>(1 + random_.below(5)), 56);
    if (kind < 94) return refused_datagram(route(), port(), port());
    if (kind < 97)
      return fragmented_exchange(route(), port(), port(), 3000, 1400, static_cast<uint32_t>(random_.next()));
    return {{0, Side::wan, lone_syn()}};
  }

  Bytes lone_syn() {
    Route from = route();
    const Segment syn{.src_port = port(), .dst_port = port(), .seq = 1, .flags = tcp_flag::syn};
    return bridged(Side::wan, ip(from.ends, packet::protocol::tcp, tcp(from.ends, syn)));
  }

  Random random_;
  uint64_t begin_ns_ = capture_begin_ns;
  std::vector<SidedPacket> packets_;
};

/// The UDP packet of flow `flow`: so many ports to an address, then the next address.
Bytes udp64_packet(uint64_t flow, uint64_t ports) {
  static const Address first = address("10.0.0.1"), server = address("198.51.100.1");
  static const Bytes payload = pattern(22);
  const Ends ends{first.plus(static_cast<uint32_t>(flow / ports)), server};
  return ip(ends, packet::protocol::udp, udp(ends, static_cast<uint16_t>(1024 + flow % ports), 9000, payload));
}

}  // namespace

TwoSides mixed_capture(uint64_t seed, size_t packets) { return Mixed(seed).make(packets); }

Status write_two_sides(const std::string& directory, Format format, const TwoSides& capture) {
  const char* names[] = {"lan", "wan"};
  for (size_t side = 0; side < 2; ++side) {
    const std::string path =
        fmt::format("{}/{}.{}", directory, names[side], format == Format::pcap ? "pcap" : "pcapng");
    if (Status written = write_capture(path, format, packet::LinkType::ethernet, capture.sides[side]); !written)
      return written;
  }
  return {};
}

Status write_udp64(const std::string& path, const Udp64& plan) {
  if (plan.ports == 0 || plan.ports > 65536 - 1024) return fail("{} ports of an address", plan.ports);
  if (plan.blocked_percent > 100) return fail("{} of 100 packets", plan.blocked_percent);
  if (plan.blocked_percent > 0 && plan.flows == 0) return fail("one more flow than new ones without end");
  auto file = CaptureFile::create(path, plan.format, plan.link);
  if (!file) return tl::unexpected(file.error());
  for (uint64_t i = 0, blocked = 0; i < plan.packets; ++i) {
    const bool is_blocked = (i + 1) * plan.blocked_percent / 100 > blocked;
    const uint64_t others = i - blocked;
    const uint64_t flow = is_blocked ? plan.flows : plan.flows == 0 ? others : others % plan.flows;
    blocked += is_blocked ? 1 : 0;
    (*file)->write(capture_begin_ns + i * plan.gap_ns, with_link(plan.link, udp64_packet(flow, plan.ports)));
  }
  return (*file)->close();
}

}  // namespace bulkhead::test
