#include "tests/differential/odd_packets.h"

#include <algorithm>

#include "common/packet/checksum.h"
#include "common/packet/ip_header.h"

namespace bulkhead::test {
namespace {

constexpr size_t kLink = 14, kIpv4 = 20, kIpv6 = 40;

template <class Value>
const Value& one_of(Random& random, const std::vector<Value>& all) {
  return all[random.below(static_cast<uint32_t>(all.size()))];
}

/// Each a multiple of four bytes.
const std::vector<Bytes>& options4() {
  static const std::vector<Bytes> all{
      {7, 7, 4, 0, 0, 0, 0, 0},                                          // record route, with room for one
      {7, 15, 8, 10, 9, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0},                // for two
      {7, 7, 8, 10, 9, 8, 7, 0},                                         // for none
      {7, 7, 5, 0, 0, 0, 0, 0},                                          // for half of one
      {7, 7, 3, 0, 0, 0, 0, 0},                                          // a pointer into itself
      {7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0, 0},                  // twice
      {7, 2, 1, 1},                                                      // too short
      {1, 7, 7, 4, 0, 0, 0, 0, 68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0},    // and time stamps
      {131, 7, 4, 10, 0, 0, 1, 0},                                       // source routes
      {137, 7, 8, 10, 0, 0, 1, 0},
      {131, 2, 1, 1},
      {131, 7, 3, 10, 0, 0, 1, 0},
      {68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0},                            // time stamps: times
      {68, 8, 9, 0x10, 1, 2, 3, 4},                                      // full, one was too many
      {68, 8, 9, 0xf0, 1, 2, 3, 4},                                      // as many as can be counted
      {68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0},                            // addresses and times
      {68, 12, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0},                            // no room for both
      {68, 12, 5, 3, 10, 0, 0, 254, 0, 0, 0, 0},                         // of addresses that are named: the router's own
      {68, 20, 5, 3, 10, 0, 0, 254, 0, 0, 0, 0, 192, 0, 2, 254, 0, 0, 0, 0},
      {68, 12, 5, 3, 203, 0, 113, 1, 0, 0, 0, 0},                        // somebody else's
      {68, 12, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0},                            // flags that nobody knows
      {68, 12, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {68, 12, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {68, 3, 5, 0},
      {148, 4, 0, 0},                                                    // router alert
      {148, 3, 0, 0},
      {9, 255, 4, 0},                                                    // longer than the header
      {9, 1, 0, 0},
      {9, 0, 0, 0},
      {1, 1, 1, 7},                                                      // ends within
      {1, 1, 1, 1},
      {0, 9, 9, 9},                                                      // something behind the end
      {0, 0, 0, 0},
      {130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},                           // security, of old
      {134, 10, 0, 0, 0, 1, 2, 4, 0, 1, 0, 0},                           // CIPSO: tags without the domain that they need
      {134, 6, 0, 0, 0, 1, 0, 0},
      {134, 10, 0, 0, 0, 0, 2, 4, 0, 1, 0, 0},
      {134, 10, 0, 0, 0, 1, 2, 9, 0, 1, 0, 0},
      {30, 4, 1, 2},                                                     // one that nobody knows
      {7, 7, 4, 0, 0, 0, 0, 9, 1, 0, 0, 0},                              // a bad one behind one that is filled in
      {68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0},
  };
  return all;
}

/// What stands behind the first two bytes of a hop-by-hop header; 8 n + 6 bytes.
const std::vector<Bytes>& hop_options() {
  static const std::vector<Bytes> all{
      {1, 4, 0, 0, 0, 0},
      {0, 0, 0, 0, 0, 0},
      {1, 4, 0, 0, 1, 0},                                    // padding that says something
      {1, 2, 0, 0, 0, 0},
      {1, 5, 0, 0, 0, 0},                                    // too long
      {1, 6, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0},            // too much of it
      {5, 2, 0, 0, 1, 0},                                    // router alert
      {5, 3, 0, 0, 0, 0},
      {0x05, 2, 0, 0, 0, 0},
      {0x1e, 4, 0, 0, 0, 0},                                 // unknown: let it pass,
      {0x5e, 4, 0, 0, 0, 0},                                 // drop it,
      {0x9e, 4, 0, 0, 0, 0},                                 // say so,
      {0xde, 4, 0, 0, 0, 0},                                 // unless it is to a group
      {0xc5, 4, 0, 0, 0, 0},
      {0xc2, 4, 0, 0, 0, 32},                                // jumbo: small,
      {0xc2, 4, 0, 1, 0, 1},                                 // beside a length,
      {0xc2, 3, 0, 1, 0, 0},
      {1, 0, 0xc2, 4, 0, 1, 0, 1, 1, 4, 0, 0, 0, 0},         // not where it may stand
      {0x31, 2, 0, 0, 1, 0},                                 // IOAM, not where it may stand
      {1, 0, 0x31, 2, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0},
      {7, 8, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0},            // CALIPSO
      {7, 2, 0, 0, 1, 0},
      {7, 8, 0, 0, 0, 1, 9, 0, 0, 0, 1, 2, 0, 0},
      {0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 1, 4, 0, 0, 0, 0},  // eight
      {0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 0, 0x1e, 2, 0, 0, 1, 0},
      {0x1e, 9, 0, 0, 0, 0},
      {0, 0, 0, 0, 0, 0x1e},
  };
  return all;
}

const std::vector<Address>& odd_destinations(uint8_t l3) {
  static const std::vector<Address> four{address("224.0.0.1"),   address("224.0.0.2"),  address("224.0.0.251"), address("239.1.2.3"),
                                         address("239.0.0.1"),   address("0.1.2.3"),    address("0.0.0.0"),     address("10.0.0.252"),
                                         address("10.0.0.255"),  address("192.0.2.252"), address("255.255.255.255")};
  static const std::vector<Address> six{address("ff02::1"),           address("ff02::2"),           address("ff02::1:2"),       address("ff02::fb"),
                                        address("ff05::2"),           address("ff05::1:3"),         address("ff01::1"),         address("ff00::1"),
                                        address("ff0e::1"),           address("ff02::1:ff00:fffe"), address("ff02::1:ff00:fffd"),
                                        address("ff02::1:ff00:fffc"), address("ff02::1:ff01:2"),    address("::1"),             address("2001:db8:1::fffc")};
  return l3 == 4 ? four : six;
}

const std::vector<Address>& odd_sources(uint8_t l3) {
  static const std::vector<Address> four{address("0.1.2.3"), address("0.0.0.0"), address("224.0.0.1"), address("255.255.255.255"), address("127.0.0.1"),
                                         address("127.0.0.2"), address("10.0.0.254"), address("10.0.0.252")};
  static const std::vector<Address> six{address("::"), address("::1"), address("ff02::1"), address("2001:db8:1::fffc")};
  return l3 == 4 ? four : six;
}

/// TCP, UDP, ICMPv6: by how much the addresses' sum has changed.
void change_address(Bytes& packet, size_t at, const Address& to) {
  packet::Headers const headers = packet::parse(packet, static_cast<uint32_t>(packet.size()), packet::LinkType::raw_ip);
  Bytes const before(packet.begin() + static_cast<ptrdiff_t>(at), packet.begin() + static_cast<ptrdiff_t>(at + to.size()));
  std::copy_n(to.bytes.begin(), to.size(), packet.begin() + static_cast<ptrdiff_t>(at));
  if (headers.shape != packet::Shape::ip) return;
  uint8_t const number = headers.tuple.protocol;
  size_t const field = number == packet::protocol::tcp ? 16 : number == packet::protocol::udp ? 6 : number == packet::protocol::icmpv6 ? 2 : 0;
  if (field == 0 || headers.l4_offset + field + 2 > packet.size()) return;
  uint8_t* const sum = packet.data() + headers.l4_offset + field;
  if (number == packet::protocol::udp && load_be16(sum) == 0) return;
  store_raw(sum, packet::checksum_changed(load_raw<uint16_t>(sum), before, std::span(to.bytes).first(to.size())));
}

Bytes with_options(const Bytes& packet, const Bytes& options) {
  Bytes all = packet;
  all[0] = static_cast<uint8_t>(all[0] + options.size() / 4);
  store_be16(all.data() + 2, static_cast<uint16_t>(load_be16(all.data() + 2) + options.size()));
  all.insert(all.begin() + kIpv4, options.begin(), options.end());
  return all;
}

Bytes with_extension(const Bytes& packet, uint8_t number, const Bytes& header) {
  Bytes all = packet;
  all.insert(all.begin() + kIpv6, header.begin(), header.end());
  all[kIpv6] = std::exchange(all[6], number);
  store_be16(all.data() + 4, static_cast<uint16_t>(load_be16(all.data() + 4) + header.size()));
  return all;
}

Bytes hop_header(const Bytes& options) {
  Bytes header{0, static_cast<uint8_t>(options.size() / 8)};
  header.insert(header.end(), options.begin(), options.end());
  return header;
}

Bytes ah_header(Random& random) {
  Bytes header(random.below(2) == 0 ? 24 : 16, 0x99);
  header[1] = static_cast<uint8_t>(header.size() / 4 - 2);
  return header;
}

Bytes odd4(Random& random, const Bytes& packet) {
  Bytes all = packet;
  switch (random.below(8)) {
    case 0: change_address(all, 16, one_of(random, odd_destinations(4))); break;
    case 1: change_address(all, 12, one_of(random, odd_sources(4))); break;
    case 2:
      change_address(all, 12, one_of(random, odd_sources(4)));
      change_address(all, 16, one_of(random, odd_destinations(4)));
      break;
    case 3: return all;
    default: all = with_options(packet, one_of(random, options4()));
  }
  if (random.below(5) == 0) all[8] = 1;
  packet::ip_header::renew_checksum(std::span(all).first(packet::ip_header::length(all[0])));
  return all;
}

Bytes odd6(Random& random, const Bytes& packet) {
  Bytes all = packet;
  switch (random.below(9)) {
    case 0:
    case 1: change_address(all, 24, one_of(random, odd_destinations(6))); break;
    case 2: change_address(all, 8, one_of(random, odd_sources(6))); break;
    case 3: return with_extension(packet, packet::protocol::ah, ah_header(random));
    case 4: return with_extension(with_extension(packet, packet::protocol::ah, ah_header(random)), packet::protocol::destination, hop_header({1, 4, 0, 0, 0, 0}));
    case 5: {
      all = with_extension(packet, packet::protocol::hop_by_hop, hop_header(one_of(random, hop_options())));
      if (random.below(3) == 0) store_be16(all.data() + 4, 0);
      break;
    }
    case 6: {
      all = with_extension(packet, packet::protocol::hop_by_hop, hop_header(one_of(random, hop_options())));
      if (random.below(3) == 0) change_address(all, 24, one_of(random, odd_destinations(6)));
      break;
    }
    case 7: all = with_extension(packet, packet::protocol::hop_by_hop, hop_header(one_of(random, hop_options()))); break;
    default: return all;
  }
  return all;
}

}  // namespace

Bytes odd(Random& random, const Bytes& frame) {
  Bytes const packet(frame.begin() + kLink, frame.end());
  bool const four = packet[0] >> 4 == 4, whole = packet.size() >= (four ? kIpv4 : kIpv6) && (!four || packet[0] == 0x45);
  if (!whole || random.below(3) == 0) return frame;
  return ethernet(four ? odd4(random, packet) : odd6(random, packet));
}

}  // namespace bulkhead::test
