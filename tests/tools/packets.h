// tests/tools/packets.h: builds packets from the inside out: transport, then IP, then link.
//
//   Bytes frame = ethernet(ip(ends, protocol::udp, udp(ends, 5000, 53, payload)));
//
// Order   ports and other numbers as arguments: host order. Everything in the results: as on the wire.
// Errors  none: lengths that do not fit their field are cut to it. Checksums are right unless a caller breaks them.
// Same    the results depend on the arguments alone.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/packet/packet.h"

namespace bulkhead::test {

using Bytes = std::vector<uint8_t>;
using Mac = std::array<uint8_t, 6>;

/// `length` bytes that count upwards from `first`.
Bytes pattern(size_t length, uint8_t first = 0);

struct Address {
  uint8_t l3 = 4;                   // 4 or 6
  std::array<uint8_t, 16> bytes{};  // IPv4: the first 4
  [[nodiscard]] size_t size() const { return l3 == 4 ? 4 : 16; }
  /// The address that comes `n` later; wraps within the last 32 bits.
  [[nodiscard]] Address plus(uint32_t n) const;
};
/// "192.0.2.1" or "2001:db8::1"; the literal must be good (it is asserted).
Address address(std::string_view text);

/// Of one direction; both addresses of the same family.
struct Ends {
  Address src, dst;
  [[nodiscard]] Ends back() const { return {dst, src}; }
};

// --- transport: what stands in `ends` enters the pseudo-header's checksum ---

namespace tcp_flag {
inline constexpr uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32;
}

struct Segment {
  uint16_t src_port = 0, dst_port = 0;
  uint32_t seq = 0, ack = 0;
  uint8_t flags = 0;
  uint16_t window = 64240;
  Bytes options{};  // padded to a multiple of 4 with zeros
  Bytes payload{};
};
Bytes tcp(const Ends& ends, const Segment& segment);
/// What a SYN carries: MSS, window scale 7, SACK permitted.
Bytes syn_options(uint16_t mss);

Bytes udp(const Ends& ends, uint16_t src_port, uint16_t dst_port, const Bytes& payload);
/// `coverage`: bytes from the header on; 0: all. The checksum is right with `number` in the pseudo-header, where the kernel's
/// conntrack wants UDP's.
Bytes udplite(const Ends& ends, uint16_t src_port, uint16_t dst_port, uint16_t coverage, const Bytes& payload, uint8_t number = packet::protocol::udp);
/// ICMP or ICMPv6, as the addresses are. `rest`: the four bytes behind the checksum and everything after.
Bytes icmp(const Ends& ends, uint8_t type, uint8_t code, const Bytes& rest);
Bytes echo(const Ends& ends, bool request, uint16_t id, uint16_t sequence, const Bytes& payload);
/// An ICMP error with as much of `quoted`, an IP packet, as fits.
Bytes icmp_error(const Ends& ends, uint8_t type, uint8_t code, const Bytes& quoted);
/// Neighbour solicitation (135) or advertisement (136) with the link-layer address option.
Bytes neighbour(const Ends& ends, uint8_t type, const Address& target, const Mac& mac);

// --- IP ---

struct IpFields {
  uint8_t hop_limit = 64;
  uint16_t id = 0;            // IPv4
  bool dont_fragment = true;  // IPv4
  Bytes extensions{};  // IPv6 extension headers (IPv4: options, a multiple of 4 bytes), chained by the caller
  uint8_t first_extension = 0;  // number of the first of them
};
Bytes ip(const Ends& ends, uint8_t protocol, const Bytes& l4, const IpFields& fields = {});
/// Cuts an IP packet without extensions or options into fragments with at most `payload` bytes (a multiple of
/// 8) each.
std::vector<Bytes> fragments(const Bytes& packet, size_t payload, uint32_t id);

// --- link ---

struct LinkFields {
  Mac src{0x02, 0, 0, 0, 0, 0x01}, dst{0x02, 0, 0, 0, 0, 0x02};
  std::vector<uint16_t> vlans;  // TCIs, outermost first; the outer of several gets 0x88a8
};
/// `packet`: IPv4 or IPv6, told apart by its version.
Bytes ethernet(const Bytes& packet, const LinkFields& fields = {});
Bytes ethernet(const Bytes& payload, uint16_t type, const LinkFields& fields = {});
Bytes with_link(packet::LinkType link, const Bytes& packet);
/// ARP over Ethernet, the whole frame. `operation`: 1 request, 2 reply.
Bytes arp(uint16_t operation, const Mac& sender_mac, const Address& sender, const Mac& target_mac,
          const Address& target);

/// The Internet checksum (RFC 1071) of `bytes` on top of `sum`, ready to be stored in network order.
uint16_t checksum(const uint8_t* bytes, size_t size, uint32_t sum = 0);

/// SplitMix64: the same numbers everywhere for the same seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  /// 0 to bound - 1.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }

 private:
  uint64_t state_;
};

}  // namespace bulkhead::test
