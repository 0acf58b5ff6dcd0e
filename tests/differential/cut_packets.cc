#include "tests/differential/cut_packets.h"

#include <algorithm>

namespace bulkhead::test {
namespace {

constexpr size_t kLink = 14, kMtu = 1500;

void renew_checksum(Bytes& packet) {
  store_be16(packet.data() + 10, 0);
  store_be16(packet.data() + 10, checksum(packet.data(), 20));
}

/// In the whole or in a part: a flag that forbids cutting, another codepoint, bytes that were not there.
void spoil(Random& random, Bytes& part) {
  bool const four = part[0] >> 4 == 4;
  switch (random.below(4)) {
    case 0:
      if (four) part[6] |= 0x40;
      break;
    case 1: part[1] ^= static_cast<uint8_t>((1 + random.below(3)) << (four ? 0 : 4)); break;
    case 2:
      part.resize(part.size() + 1 + random.below(9), 0x5a);
      store_be16(part.data() + (four ? 2 : 4), static_cast<uint16_t>(part.size() - (four ? 0 : 40)));
      break;
    default: part[four ? 7 : 43] ^= 8; break;  // one block on or back
  }
  if (four) renew_checksum(part);
}

void disorder(Random& random, std::vector<Bytes>& parts) {
  for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random.below(static_cast<uint32_t>(i))]);
}

}  // namespace

void enlarge(Random& random, CasePacket& packet) {
  bool const datagram = packet.protocol == packet::protocol::udp && packet.l4.size() > 8 && load_be16(packet.l4.data() + 4) == packet.l4.size();
  if (!datagram || random.below(3) != 0) return;
  packet.l4 = udp(packet.ends, load_be16(packet.l4.data()), load_be16(packet.l4.data() + 2), pattern(1200 + random.below(3000)));
}

std::vector<Bytes> cut(Random& random, const Bytes& frame, bool honest) {
  Bytes packet(frame.begin() + kLink, frame.end());
  bool const four = packet[0] >> 4 == 4, large = packet.size() > kMtu;
  if (four && random.below(3) == 0) {  // may be cut on the way
    packet[6] &= 0xbf;
    renew_checksum(packet);
  }
  if (!large && random.below(3) == 0) return {ethernet(packet)};
  static constexpr std::array<size_t, 6> kSizes{8, 16, 40, 80, 400, 1272};
  static constexpr std::array<size_t, 3> kLargeSizes{1256, 1272, 1400};
  size_t const size = large ? kLargeSizes[random.below(3)] : kSizes[random.below(6)];
  auto parts = fragments(packet, size, load_be16(packet.data() + 4) + 0x10000U * random.below(9));
  if (four)
    for (Bytes& part : parts) store_be16(part.data() + 4, load_be16(packet.data() + 4)), renew_checksum(part);
  if (parts.empty()) return {ethernet(packet)};
  if (parts.size() > 12 && !honest) parts.resize(12);
  if (random.below(3) == 0) disorder(random, parts);
  switch (honest ? 12 : random.below(12)) {
    case 0: parts.erase(parts.begin() + random.below(static_cast<uint32_t>(parts.size()))); break;
    case 1: parts.push_back(parts[random.below(static_cast<uint32_t>(parts.size()))]); break;
    case 2: parts.insert(parts.begin(), parts[random.below(static_cast<uint32_t>(parts.size()))]); break;
    case 3:
    case 4: spoil(random, parts[random.below(static_cast<uint32_t>(parts.size()))]); break;
    case 5:
      if (four)
        for (Bytes& part : parts) part[6] |= 0x40, renew_checksum(part);
      break;
    default: break;
  }
  std::vector<Bytes> frames;
  for (const Bytes& part : parts) frames.push_back(ethernet(part));
  return frames;
}

}  // namespace bulkhead::test
