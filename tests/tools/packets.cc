// tests/tools/packets.cc: see packets.h.
#include "tests/tools/packets.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

namespace bulkhead::test {

namespace {

void put16(Bytes& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value & 0xff));
}

void put32(Bytes& out, uint32_t value) {
  put16(out, static_cast<uint16_t>(value >> 16));
  put16(out, static_cast<uint16_t>(value & 0xffff));
}

template <class Range>
void put(Bytes& out, const Range& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put(Bytes& out, const Address& address) {
  out.insert(out.end(), address.bytes.begin(),
             address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
}

uint32_t sum16(const uint8_t* bytes, size_t size, uint32_t sum) {
  uint64_t wide = sum;
  for (size_t i = 0; i + 1 < size; i += 2) wide += load_be16(bytes + i);
  if (size % 2 != 0) wide += static_cast<uint64_t>(bytes[size - 1]) << 8;
  while (wide >> 16 != 0) wide = (wide & 0xffff) + (wide >> 16);
  return static_cast<uint32_t>(wide);
}

uint32_t pseudo_sum(const Ends& ends, uint8_t protocol, size_t length) {
  uint32_t sum =
      sum16(ends.src.bytes.data(), ends.src.size(), protocol + static_cast<uint32_t>(length & 0xffff));
  return sum16(ends.dst.bytes.data(), ends.dst.size(), sum);
}

/// Stores the checksum of `l4` with its pseudo-header at `at`, where zeros stand.
void seal(const Ends& ends, uint8_t protocol, Bytes& l4, size_t at) {
  uint16_t sum = checksum(l4.data(), l4.size(), pseudo_sum(ends, protocol, l4.size()));
  if (sum == 0 && protocol == packet::protocol::udp) sum = 0xffff;
  store_be16(l4.data() + at, sum);
}

}  // namespace

uint16_t checksum(const uint8_t* bytes, size_t size, uint32_t sum) {
  return static_cast<uint16_t>(~sum16(bytes, size, sum) & 0xffff);
}

Bytes pattern(size_t length, uint8_t first) {
  Bytes out(length);
  for (size_t i = 0; i < length; ++i) out[i] = static_cast<uint8_t>(first + i);
  return out;
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Address Address::plus(uint32_t n) const {
  Address other = *this;
  uint8_t* last = other.bytes.data() + size() - 4;
  store_be32(last, load_be32(last) + n);
  return other;
}

Address address(std::string_view text) {
  Address out;
  out.l3 = text.find(':') == std::string_view::npos ? 4 : 6;
  const std::string zero_ended(text);
  [[maybe_unused]] const int good =
      inet_pton(out.l3 == 4 ? AF_INET : AF_INET6, zero_ended.c_str(), out.bytes.data());
  assert(good == 1);
  return out;
}

Bytes tcp(const Ends& ends, const Segment& segment) {
  Bytes options = segment.options;
  options.resize((options.size() + 3) / 4 * 4);
  Bytes out;
  put16(out, segment.src_port);
  put16(out, segment.dst_port);
  put32(out, segment.seq);
  put32(out, segment.ack);
  out.push_back(static_cast<uint8_t>((20 + options.size()) / 4 << 4));
  out.push_back(segment.flags);
  put16(out, segment.window);
  put32(out, 0);  // checksum, urgent pointer
  put(out, options);
  put(out, segment.payload);
  seal(ends, packet::protocol::tcp, out, 16);
  return out;
}

Bytes syn_options(uint16_t mss) {
  Bytes out = {2, 4};
  put16(out, mss);
  put(out, Bytes{1, 3, 3, 7, 1, 1, 4, 2});
  return out;
}

Bytes udp(const Ends& ends, uint16_t src_port, uint16_t dst_port, const Bytes& payload) {
  Bytes out;
  put16(out, src_port);
  put16(out, dst_port);
  put16(out, static_cast<uint16_t>(8 + payload.size()));
  put16(out, 0);
  put(out, payload);
  seal(ends, packet::protocol::udp, out, 6);
  return out;
}

Bytes udplite(const Ends& ends, uint16_t src_port, uint16_t dst_port, uint16_t coverage, const Bytes& payload, uint8_t number) {
  Bytes out;
  put16(out, src_port);
  put16(out, dst_port);
  put16(out, coverage);
  put16(out, 0);
  put(out, payload);
  size_t const covered = coverage == 0 ? out.size() : std::min<size_t>(coverage, out.size());
  uint16_t const sum = checksum(out.data(), covered, pseudo_sum(ends, number, out.size()));
  store_be16(out.data() + 6, sum == 0 ? uint16_t{0xffff} : sum);
  return out;
}

Bytes icmp(const Ends& ends, uint8_t type, uint8_t code, const Bytes& rest) {
  Bytes out = {type, code, 0, 0};
  put(out, rest);
  if (ends.src.l3 == 4) {
    store_be16(out.data() + 2, checksum(out.data(), out.size()));
  } else {
    seal(ends, packet::protocol::icmpv6, out, 2);
  }
  return out;
}

Bytes echo(const Ends& ends, bool request, uint16_t id, uint16_t sequence, const Bytes& payload) {
  Bytes rest;
  put16(rest, id);
  put16(rest, sequence);
  put(rest, payload);
  const int type = ends.src.l3 == 4 ? (request ? 8 : 0) : (request ? 128 : 129);
  return icmp(ends, static_cast<uint8_t>(type), 0, rest);
}

Bytes icmp_error(const Ends& ends, uint8_t type, uint8_t code, const Bytes& quoted) {
  const size_t most = ends.src.l3 == 4 ? 576 - 28 : 1280 - 48;  // RFC 1812 4.3.2.3, RFC 4443 2.4
  Bytes rest(4);
  rest.insert(rest.end(), quoted.begin(),
              quoted.begin() + static_cast<std::ptrdiff_t>(std::min(most, quoted.size())));
  return icmp(ends, type, code, rest);
}

Bytes neighbour(const Ends& ends, uint8_t type, const Address& target, const Mac& mac) {
  const bool advertisement = type == 136;
  Bytes rest;
  put32(rest, advertisement ? 0x60000000 : 0);  // solicited, override
  put(rest, target);
  rest.push_back(advertisement ? 2 : 1);
  rest.push_back(1);
  put(rest, mac);
  return icmp(ends, type, 0, rest);
}

namespace {

Bytes ipv4(const Ends& ends, uint8_t protocol, const Bytes& l4, const IpFields& fields) {
  const size_t header = 20 + fields.extensions.size();
  Bytes out;
  put16(out, static_cast<uint16_t>(0x4000 | header / 4 << 8));
  put16(out, static_cast<uint16_t>(header + l4.size()));
  put16(out, fields.id);
  put16(out, fields.dont_fragment ? 0x4000 : 0);
  out.push_back(fields.hop_limit);
  out.push_back(protocol);
  put16(out, 0);
  put(out, ends.src);
  put(out, ends.dst);
  put(out, fields.extensions);
  store_be16(out.data() + 10, checksum(out.data(), header));
  put(out, l4);
  return out;
}

Bytes ipv6(const Ends& ends, uint8_t protocol, const Bytes& l4, const IpFields& fields) {
  Bytes out;
  put32(out, 0x60000000);
  put16(out, static_cast<uint16_t>(fields.extensions.size() + l4.size()));
  out.push_back(fields.extensions.empty() ? protocol : fields.first_extension);
  out.push_back(fields.hop_limit);
  put(out, ends.src);
  put(out, ends.dst);
  put(out, fields.extensions);
  put(out, l4);
  return out;
}

/// Bytes `from` to `from` + at most `length` of the payload, with the header of the fragment before them.
Bytes fragment(const Bytes& packet, size_t from, size_t length, uint32_t id) {
  const bool v4 = packet[0] >> 4 == 4;
  const size_t header = v4 ? 20 : 40;
  const size_t end = std::min(packet.size(), header + from + length);
  const bool more = end < packet.size();
  const auto begin = packet.begin();
  Bytes out(begin, begin + static_cast<std::ptrdiff_t>(header));
  if (v4) {
    store_be16(out.data() + 2, static_cast<uint16_t>(20 + end - header - from));
    store_be16(out.data() + 4, static_cast<uint16_t>(id));
    store_be16(out.data() + 6, static_cast<uint16_t>((more ? 0x2000 : 0) | from / 8));
    store_be16(out.data() + 10, 0);
    store_be16(out.data() + 10, checksum(out.data(), 20));
  } else {
    store_be16(out.data() + 4, static_cast<uint16_t>(8 + end - header - from));
    out.push_back(std::exchange(out[6], packet::protocol::fragment));
    out.push_back(0);
    put16(out, static_cast<uint16_t>(from | (more ? 1 : 0)));
    put32(out, id);
  }
  out.insert(out.end(), begin + static_cast<std::ptrdiff_t>(header + from),
             begin + static_cast<std::ptrdiff_t>(end));
  return out;
}

}  // namespace

Bytes ip(const Ends& ends, uint8_t protocol, const Bytes& l4, const IpFields& fields) {
  return ends.src.l3 == 4 ? ipv4(ends, protocol, l4, fields) : ipv6(ends, protocol, l4, fields);
}

std::vector<Bytes> fragments(const Bytes& packet, size_t payload, uint32_t id) {
  const size_t header = packet[0] >> 4 == 4 ? 20 : 40;
  std::vector<Bytes> out;
  for (size_t from = 0; header + from < packet.size(); from += payload) {
    out.push_back(fragment(packet, from, payload, id));
  }
  return out;
}

Bytes ethernet(const Bytes& payload, uint16_t type, const LinkFields& fields) {
  Bytes out;
  put(out, fields.dst);
  put(out, fields.src);
  for (size_t i = 0; i < fields.vlans.size(); ++i) {
    put16(out, i + 1 < fields.vlans.size() ? packet::ethertype::service_vlan : packet::ethertype::vlan);
    put16(out, fields.vlans[i]);
  }
  put16(out, type);
  put(out, payload);
  return out;
}

Bytes ethernet(const Bytes& packet, const LinkFields& fields) {
  return ethernet(packet, packet[0] >> 4 == 4 ? packet::ethertype::ipv4 : packet::ethertype::ipv6, fields);
}

Bytes with_link(packet::LinkType link, const Bytes& packet) {
  const uint16_t type = packet[0] >> 4 == 4 ? packet::ethertype::ipv4 : packet::ethertype::ipv6;
  const Mac mac = LinkFields{}.src;
  Bytes out;
  switch (link) {
    case packet::LinkType::ethernet:
      return ethernet(packet);
    case packet::LinkType::raw_ip:
      return packet;
    case packet::LinkType::linux_cooked_v1:  // to us, Ethernet, address of 6 bytes in 8, protocol
      put(out, Bytes{0, 0, 0, 1, 0, 6});
      put(out, mac);
      put16(out, 0);
      put16(out, type);
      break;
    case packet::LinkType::linux_cooked_v2:  // protocol, reserved, interface 2, Ethernet, to us, address of 6 bytes
                                     // in 8
      put16(out, type);
      put(out, Bytes{0, 0, 0, 0, 0, 2, 0, 1, 0, 6});
      put(out, mac);
      put16(out, 0);
      break;
    case packet::LinkType::bsd_null:
    case packet::LinkType::bsd_loop: {
      uint8_t const family = type == packet::ethertype::ipv4 ? 2 : 30;
      bool const null = link == packet::LinkType::bsd_null;
      put(out, null ? Bytes{family, 0, 0, 0} : Bytes{0, 0, 0, family});
      break;
    }
    case packet::LinkType::ppp_serial:
      put16(out, 0xff03);
      [[fallthrough]];
    case packet::LinkType::ppp:
      put16(out, type == packet::ethertype::ipv4 ? 0x21 : 0x57);
      break;
    case packet::LinkType::cisco_hdlc:
      put16(out, 0x0f00);
      put16(out, type);
      break;
    case packet::LinkType::nflog:  // a prefix, then the packet
      put(out, Bytes{static_cast<uint8_t>(type == packet::ethertype::ipv4 ? 2 : 10), 0, 0, 1, 6, 0, 10, 0, 'x', 0, 0, 0});
      put(out, Bytes{static_cast<uint8_t>(packet.size() + 4), static_cast<uint8_t>((packet.size() + 4) >> 8), 9, 0});
      break;
  }
  put(out, packet);
  return out;
}

Bytes arp(uint16_t operation, const Mac& sender_mac, const Address& sender, const Mac& target_mac,
          const Address& target) {
  Bytes out = {0, 1, 8, 0, 6, 4};
  put16(out, operation);
  put(out, sender_mac);
  put(out, sender);
  put(out, target_mac);
  put(out, target);
  LinkFields link;
  link.src = sender_mac;
  link.dst = operation == 1 ? Mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} : target_mac;
  return ethernet(out, packet::ethertype::arp, link);
}

}  // namespace bulkhead::test
