#include "tests/differential/conversation.h"

#include <algorithm>

#include "common/packet/icmp.h"

namespace bulkhead::test {
namespace {

/// Of each side, for its hosts: the last byte or group is drawn.
constexpr std::array<const char*, 3> kNet4{"10.0.1.0", "192.0.2.0", "198.51.100.0"};
constexpr std::array<const char*, 3> kNet6{"2001:db8:1::", "2001:db8:2::", "2001:db8:3::"};
constexpr std::array<const char*, 3> kOwn4{"10.0.0.254", "192.0.2.254", "198.51.100.254"};
constexpr std::array<const char*, 3> kOwn6{"2001:db8:1::fffe", "2001:db8:2::fffe", "2001:db8:3::fffe"};
constexpr std::array<size_t, 3> kBits4{8, 24, 24};
constexpr size_t kBits6 = 48, kNowhere = 3;

bool same_net(const Address& a, const Address& b, size_t bits) { return std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<ptrdiff_t>(bits / 8), b.bytes.begin()); }

size_t side_of(const Address& host) {
  for (size_t side = 0; side < kRouterSides.size(); ++side)
    if (same_net(host, address(host.l3 == 4 ? kNet4[side] : kNet6[side]), host.l3 == 4 ? kBits4[side] : kBits6)) return side;
  return kNowhere;
}

Address address_of(ruleset::Number number, uint8_t l3) {
  Address made{l3, {}};
  for (size_t i = made.size(); i-- > 0; number >>= 8) made.bytes[i] = static_cast<uint8_t>(number);
  return made;
}
ruleset::Number number_of(const Address& host) {
  ruleset::Number number = 0;
  for (size_t i = 0; i < host.size(); ++i) number = number << 8 | host.bytes[i];
  return number;
}

/// What no host has: a source or destination of it says nothing about rules.
bool is_special(const Address& host) {
  if (host.l3 == 6) return host.bytes[0] != 0x20;
  return host.bytes[0] == 0 || host.bytes[0] == 127 || host.bytes[0] >= 224;
}

/// The router's own.
bool is_router(const Address& host) {
  auto const& own = host.l3 == 4 ? kOwn4 : kOwn6;
  return std::ranges::any_of(own, [&](const auto& one) { return address(one).bytes == host.bytes; });
}

/// The few addresses of the gateways' networks, where a host would have to be asked for.
bool is_beside_the_router(const Address& host) {
  size_t const side = side_of(host);
  if (side == kNowhere) return false;
  Address const own = address(host.l3 == 4 ? kOwn4[side] : kOwn6[side]);
  if (own.bytes == host.bytes) return false;
  auto const last = static_cast<ptrdiff_t>(host.size() - 1);
  return std::equal(own.bytes.begin(), own.bytes.begin() + last, host.bytes.begin()) && host.bytes[static_cast<size_t>(last)] >= 252;
}

class Make {
 public:
  Make(Random& random, const Constants& constants) : random_(random), draw_(random, constants), constants_(constants) {
    parties_.ends = ends();
    protocol_ = protocol();
    auto const port = [&](std::initializer_list<const char*> keys, uint32_t own) { return static_cast<uint16_t>(draw_.value(keys, own)); };
    parties_.client_port = port({"tcp sport", "udp sport", "sctp sport", "udplite sport", "dccp sport", "th sport", "ct proto-src"}, 1024 + random_.below(60000));
    parties_.server_port = port({"tcp dport", "udp dport", "sctp dport", "udplite dport", "dccp dport", "th dport", "ct proto-dst"}, likely_port());
    arrives_ = arrival();
  }

  std::vector<RoutedPacket> all(size_t most) {
    Case packets = probes();
    Case const said = talk();
    packets.insert(packets.end(), said.begin(), said.end());
    if (packets.size() > most) packets.resize(most);
    std::vector<RoutedPacket> made;
    for (CasePacket& packet : packets) {
      size_t const home = side_of(packet.ends.src);
      bool const forth = packet.ends.src.bytes == parties_.ends.src.bytes;
      // The kernel, which takes such a packet for another's, would answer itself by its loopback.
      if (packet.ends.src.l3 == 6 && is_router(packet.ends.src)) continue;
      dress(packet);
      made.push_back({forth || home == kNowhere ? arrives_ : home, std::move(packet)});
    }
    return made;
  }

 private:
  bool chance(uint32_t of) { return random_.below(of) == 0; }
  uint32_t likely_port() {
    constexpr std::array<uint16_t, 6> ports{22, 53, 80, 443, 5000, 8080};
    return ports[random_.below(ports.size())];
  }

  size_t side_named(std::initializer_list<const char*> keys, size_t otherwise) {
    std::string const name = draw_.name(keys);
    for (size_t side = 0; side < kRouterSides.size(); ++side)
      if (!name.empty() && std::string_view(kRouterSides[side]).starts_with(name)) return side;
    return otherwise;
  }
  Ends ends() {
    bool const four = constants_.has("ip") || constants_.has("icmp"), six = constants_.has("ip6") || constants_.has("icmpv6");
    uint8_t const l3 = four != six ? (four ? 4 : 6) : (chance(3) ? 6 : 4);
    size_t const from = side_named({"meta iifname", "meta iif"}, chance(3) ? 1 + random_.below(2) : 0);
    size_t const to = side_named({"meta oifname", "meta oif"}, (from + 1 + random_.below(2)) % 3);
    Ends made{host(l3, from, {"ip saddr", "ip6 saddr", "ct saddr"}), host(l3, to, {"ip daddr", "ip6 daddr", "ct daddr"})};
    if (chance(12)) made.dst = address(l3 == 4 ? kOwn4[from] : kOwn6[from]);
    return made;
  }
  Address host(uint8_t l3, size_t side, std::initializer_list<const char*> keys) {
    Address const own = address(l3 == 4 ? kNet4[side] : kNet6[side]).plus(1 + random_.below(120));
    Address const drawn = address_of(draw_.value(keys, number_of(own)), l3);
    return is_special(drawn) || is_beside_the_router(drawn) ? own : drawn;
  }
  size_t arrival() {
    size_t const home = side_of(parties_.ends.src);
    if (home != kNowhere && !chance(20)) return home;
    return side_named({"meta iifname", "meta iif"}, random_.below(3));
  }
  uint8_t protocol() {
    if (constants_.has("tcp")) return packet::protocol::tcp;
    if (constants_.has("udp")) return packet::protocol::udp;
    if (constants_.has("sctp")) return packet::protocol::sctp;
    if (constants_.has("udplite")) return packet::protocol::udplite;
    if (constants_.has("dccp")) return kDccp;
    if (constants_.has("icmp") || constants_.has("icmpv6")) return icmp_protocol();
    constexpr std::array<uint8_t, 8> usual{packet::protocol::tcp, packet::protocol::tcp, packet::protocol::tcp, packet::protocol::udp, packet::protocol::udp, packet::protocol::icmp, packet::protocol::sctp, packet::protocol::gre};
    auto const drawn = static_cast<uint8_t>(draw_.value({"meta l4proto", "ip protocol", "ip6 nexthdr", "ct protocol"}, usual[random_.below(usual.size())]));
    bool const is_icmp = drawn == packet::protocol::icmp || drawn == packet::protocol::icmpv6;
    // Extension headers, and what tells nobody anything behind them.
    if (drawn == 0 || drawn == 43 || drawn == 44 || drawn == 51 || drawn == 60) return packet::protocol::udp;
    return is_icmp ? icmp_protocol() : drawn;
  }
  [[nodiscard]] uint8_t icmp_protocol() const { return parties_.ends.src.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6; }

  /// A few times more than a conversation has of them: at the edges.
  Case probes() {
    Case made;
    for (uint32_t count = 1 + random_.below(4); count > 0; --count) {
      bool const back = chance(5);
      Ends const ends = back ? parties_.ends.back() : parties_.ends;
      made.push_back({Side::lan, ends, protocol_, transport(ends, back)});
    }
    return made;
  }
  Bytes payload(size_t headers) {
    auto const size = static_cast<uint32_t>(draw_.value({"ip length", "meta length"}, headers + 20 + random_.below(60)));
    return pattern(std::clamp<size_t>(size, headers, 1400) - headers);
  }
  Bytes transport(const Ends& ends, bool back) {
    uint16_t const from = back ? parties_.server_port : parties_.client_port, to = back ? parties_.client_port : parties_.server_port;
    size_t const network = ends.src.l3 == 4 ? 20 : 40;
    if (protocol_ == packet::protocol::tcp) return tcp(ends, segment(from, to, payload(network + 20)));
    if (protocol_ == packet::protocol::udp) return udp(ends, from, to, payload(network + 8));
    if (protocol_ == packet::protocol::udplite) return udplite(ends, from, to, static_cast<uint16_t>(draw_.value({"udplite csumcov"}, 8)), payload(network + 8));
    if (protocol_ == icmp_protocol()) return message(ends, payload(network + 8));
    Bytes l4 = pattern(12);
    store_be16(l4.data(), from);
    store_be16(l4.data() + 2, to);
    return l4;
  }
  Segment segment(uint16_t from, uint16_t to, Bytes data) {
    auto const flags = static_cast<uint8_t>(draw_.value({"tcp flags"}, chance(3) ? tcp_flag::ack : tcp_flag::syn));
    Segment made{.src_port = from, .dst_port = to, .seq = static_cast<uint32_t>(draw_.value({"tcp sequence"}, 1000)),
                 .ack = static_cast<uint32_t>(draw_.value({"tcp ackseq"}, 0)), .flags = flags,
                 .window = static_cast<uint16_t>(draw_.value({"tcp window"}, 64240))};
    if (chance(3)) made.options = syn_options(1460);
    made.payload = std::move(data);
    return made;
  }
  Bytes message(const Ends& ends, const Bytes& data) {
    auto const type = static_cast<uint8_t>(draw_.value({"icmp type", "icmpv6 type"}, ends.src.l3 == 4 ? 8 : 128));
    auto const code = static_cast<uint8_t>(draw_.value({"icmp code", "icmpv6 code"}, 0));
    Bytes rest(4);
    store_be16(rest.data(), static_cast<uint16_t>(draw_.value({"icmp id", "icmpv6 id"}, 7)));
    store_be16(rest.data() + 2, static_cast<uint16_t>(draw_.value({"icmp sequence", "icmpv6 sequence"}, 1)));
    rest.insert(rest.end(), data.begin(), data.end());
    return icmp(ends, type, code, rest);
  }
  Case talk() {
    uint64_t const seed = random_.next();
    if (protocol_ == packet::protocol::tcp) return tcp_case(seed, parties_);
    return protocol_ == packet::protocol::sctp ? sctp_case(seed, parties_) : other_case(seed, parties_);
  }

  void dress(CasePacket& packet) {
    packet.hop_limit = static_cast<uint8_t>(draw_.value({"ip ttl", "ip6 hoplimit"}, chance(40) ? 1 : 64));
    auto const dscp = static_cast<uint8_t>(draw_.value({"ip dscp", "ip6 dscp"}, chance(6) ? random_.below(64) : 0));
    auto const ecn = static_cast<uint8_t>(draw_.value({"ip ecn", "ip6 ecn"}, chance(6) ? random_.below(4) : 0));
    packet.traffic_class = static_cast<uint8_t>(dscp << 2 | (ecn & 3));
  }

  Random& random_;
  Draw draw_;
  const Constants& constants_;
  Parties parties_;
  uint8_t protocol_ = 0;
  size_t arrives_ = 0;
};

}  // namespace

std::vector<RoutedPacket> conversation(Random& random, const Constants& constants, size_t most) {
  return Make(random, constants).all(most);
}

}  // namespace bulkhead::test
