#include "tests/differential/cases.h"

namespace bulkhead::test {
namespace {

class OtherCase {
 public:
  OtherCase(uint64_t seed, const Parties& parties) : random_(seed), parties_(parties), there_(parties.ends) {}

  Case make() {
    for (uint32_t steps = 4 + random_.below(16); steps > 0; --steps) step();
    return std::move(packets_);
  }

 private:
  [[nodiscard]] bool ipv4() const { return there_.src.l3 == 4; }
  [[nodiscard]] uint8_t icmp_protocol() const { return ipv4() ? packet::protocol::icmp : packet::protocol::icmpv6; }
  [[nodiscard]] const Ends& ends(bool back) { return back ? (back_ = there_.back()) : there_; }

  void put(bool back, uint8_t protocol, Bytes l4) {
    packets_.push_back({back ? Side::wan : Side::lan, ends(back), protocol, std::move(l4)});
  }
  void step() {
    bool const back = random_.below(2) != 0;
    switch (random_.below(14)) {
      case 0: case 1: case 2: return datagram(back);
      case 3: return ping(back);
      case 4: case 5: return error(back);
      case 6: return gre(back);
      case 7: return unknown(back);
      case 8: return odd_icmp(back);
      case 9: case 10: return lite(back);
      case 11: case 12: return put(back, kDccp, dccp_bytes(back));
      default: return malformed(back);
    }
  }

  struct Ports {
    uint16_t from, to;
  };
  Ports ports(bool back) {
    auto const own = static_cast<uint16_t>(5000 + random_.below(2));
    uint16_t const client = parties_.client_port != 0 ? parties_.client_port : own;
    uint16_t const server = parties_.server_port != 0 ? parties_.server_port : 53;
    return back ? Ports{server, client} : Ports{client, server};
  }
  Bytes datagram_bytes(bool back) {
    Ports const its = ports(back);
    return udp(ends(back), its.from, its.to, pattern(random_.below(200)));
  }
  void datagram(bool back) {
    Bytes l4 = datagram_bytes(back);
    switch (random_.below(12)) {
      case 0: l4[6] = l4[7] = 0; break;                                 // no checksum
      case 1: l4[6] ^= static_cast<uint8_t>(1 + random_.below(255)); break;
      case 2:
        l4.resize(l4.size() + 5, 0);
        break;  // more than UDP says: the sum is still right
      default: break;
    }
    put(back, packet::protocol::udp, std::move(l4));
    if (random_.below(30) == 0) packets_.back().bad_ip_checksum = true;
  }
  Bytes lite_bytes(bool back) {
    Ports const its = ports(back);
    Bytes const payload = pattern(random_.below(60));
    auto const part = static_cast<uint16_t>(8 + random_.below(static_cast<uint32_t>(payload.size()) + 1));
    return udplite(ends(back), its.from, its.to, random_.below(3) == 0 ? uint16_t{0} : part, payload, random_.below(6) == 0 ? packet::protocol::udplite : packet::protocol::udp);
  }
  void lite(bool back) {
    Bytes l4 = lite_bytes(back);
    switch (random_.below(12)) {
      case 0: l4[6] = l4[7] = 0; break;
      case 1: l4[6] ^= static_cast<uint8_t>(1 + random_.below(255)); break;
      case 2: l4.back() ^= 1; break;  // covered or not
      case 3: store_be16(l4.data() + 4, static_cast<uint16_t>(random_.below(2) == 0 ? 7 : l4.size() + 1)); break;
      case 4: l4.resize(random_.below(8)); break;
      default: break;
    }
    put(back, packet::protocol::udplite, std::move(l4));
  }
  /// What is wrong in its header is nobody's business; a refusal sums all of it, for IPv6 with a pseudo-header, as of any protocol.
  Bytes dccp_bytes(bool back) {
    Ports const its = ports(back);
    Bytes l4 = pattern(12 + random_.below(30), static_cast<uint8_t>(random_.next()));
    store_be16(l4.data(), its.from);
    store_be16(l4.data() + 2, its.to);
    l4[4] = static_cast<uint8_t>(random_.below(6));  // data offset
    if (random_.below(8) == 0) l4.resize(random_.below(12));
    if (l4.size() < 8 || random_.below(2) == 0) return l4;
    l4[6] = l4[7] = 0;
    uint32_t pseudo = 0;
    if (!ipv4()) {
      pseudo = kDccp + static_cast<uint32_t>(l4.size());
      for (const Address* one : {&there_.src, &there_.dst}) pseudo = 0xffffU & ~uint32_t{checksum(one->bytes.data(), one->size(), pseudo)};
    }
    store_be16(l4.data() + 6, checksum(l4.data(), l4.size(), pseudo));
    return l4;
  }
  void unknown(bool back) {
    Bytes payload = pattern(8 + random_.below(50));
    put(back, random_.below(2) == 0 ? packet::protocol::esp : uint8_t{99}, std::move(payload));
  }
  void ping(bool back) {
    bool const request = random_.below(3) != 0;
    Bytes const payload = pattern(random_.below(60));
    Bytes l4 = echo(ends(back), request, static_cast<uint16_t>(random_.below(3)), 1, payload);
    if (random_.below(10) == 0) l4[2] ^= 1;
    put(back, icmp_protocol(), std::move(l4));
  }
  void odd_icmp(bool back) {
    constexpr uint8_t types4[] = {13, 14, 15, 17, 18, 6, 19, 99, 9}, types6[] = {139, 140, 150, 127, 200, 0};
    uint8_t const type =
        ipv4() ? types4[random_.below(std::size(types4))] : types6[random_.below(std::size(types6))];
    put(back, icmp_protocol(), icmp(ends(back), type, static_cast<uint8_t>(random_.below(2)), pattern(20, 3)));
  }
  /// About a packet that went the other way, or about one that nobody sent; whole, cut, or to somebody else.
  void error(bool back) {
    Bytes quoted;
    bool const about_ping = random_.below(4) == 0, about_lite = random_.below(5) == 0, about_dccp = random_.below(6) == 0;
    Ends const went = random_.below(6) == 0 ? ends(back) : ends(!back);
    bool const went_back = went.src.bytes == there_.dst.bytes;
    if (about_ping) {
      auto const id = static_cast<uint16_t>(random_.below(3));
      quoted = ip(went, icmp_protocol(), echo(went, random_.below(3) != 0, id, 1, pattern(8)));
    } else if (about_lite) {
      quoted = ip(went, packet::protocol::udplite, lite_bytes(went_back));
    } else if (about_dccp) {
      quoted = ip(went, kDccp, dccp_bytes(went_back));
    } else {
      quoted = ip(went, packet::protocol::udp, datagram_bytes(went_back));
    }
    size_t const header = ipv4() ? 20 : 40;
    if (random_.below(3) == 0) quoted.resize(header + random_.below(10));
    constexpr uint8_t types4[] = {3, 3, 11, 12, 4, 5}, types6[] = {1, 2, 3, 4, 1, 100};
    uint8_t const type = ipv4() ? types4[random_.below(6)] : types6[random_.below(6)];
    Bytes l4 = icmp_error(ends(back), type, static_cast<uint8_t>(random_.below(4)), quoted);
    if (random_.below(8) == 0) l4[2] ^= 1;
    put(back, icmp_protocol(), std::move(l4));
  }
  void gre(bool back) {
    Bytes l4{0, 0, 8, 0};
    if (random_.below(2) == 0) {  // PPTP: version 1, PPP, payload length, call id
      l4 = {0x30, 0x01, 0x88, 0x0b, 0, 8, 0, static_cast<uint8_t>(random_.below(2)), 0, 0, 0, 1};
      if (random_.below(8) == 0) l4[3] = 0;
    }
    Bytes const rest = pattern(8 + random_.below(30));
    l4.insert(l4.end(), rest.begin(), rest.end());
    put(back, packet::protocol::gre, std::move(l4));
  }
  void malformed(bool back) {
    if (random_.below(2) == 0) {
      Segment segment{.src_port = 7, .dst_port = 9, .flags = tcp_flag::syn};
      Bytes l4 = tcp(ends(back), segment);
      if (random_.below(2) == 0) l4[12] = static_cast<uint8_t>(random_.below(5) << 4);
      else l4.resize(random_.below(20));
      return put(back, packet::protocol::tcp, std::move(l4));
    }
    Bytes l4 = datagram_bytes(back);
    if (random_.below(2) == 0)
      store_be16(l4.data() + 4, static_cast<uint16_t>(random_.below(2) == 0 ? 7 : l4.size() + 1));
    else l4.resize(random_.below(8));
    put(back, packet::protocol::udp, std::move(l4));
  }

  Random random_;
  Parties parties_;
  Ends there_, back_;
  Case packets_;
};

}  // namespace

Case other_case(uint64_t seed, const Parties& parties) { return OtherCase(seed, parties).make(); }

}  // namespace bulkhead::test
