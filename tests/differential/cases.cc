#include "tests/differential/cases.h"

namespace bulkhead::test {
namespace {

/// A fourth of the cases is IPv6.
Ends case_ends(uint64_t seed) {
  auto const n = static_cast<uint32_t>(seed % 65536);
  if (seed % 4 == 2 || seed % 16 == 7)
    return {address("2001:db8:1::1").plus(n), address("2001:db8:2::1").plus(n % 200)};
  return {address("10.0.0.1").plus(n << 8), address("192.0.2.1").plus(n % 200)};
}

}  // namespace

Case any_case(uint64_t seed) {
  Parties const parties{case_ends(seed)};
  if (seed % 8 == 7 || seed % 8 == 3) return other_case(seed, parties);
  return seed % 16 == 10 ? sctp_case(seed, parties) : tcp_case(seed, parties);
}

Bytes numbered(const CasePacket& packet, uint32_t number) {
  Bytes bytes = ip(packet.ends, packet.protocol, packet.l4,
                   {.hop_limit = packet.hop_limit, .id = static_cast<uint16_t>(number)});
  if (packet.ends.src.l3 == 6) {
    store_be32(bytes.data(), 0x60000000 | uint32_t{packet.traffic_class} << 20 | number);
  } else {
    bytes[1] = packet.traffic_class;
    store_be16(bytes.data() + 10, 0);
    store_be16(bytes.data() + 10, checksum(bytes.data(), 20));
    if (packet.bad_ip_checksum) bytes[10] ^= 0x55;
  }
  return ethernet(bytes);
}

}  // namespace bulkhead::test
