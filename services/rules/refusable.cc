#include "services/rules/refusable.h"

#include "common/packet/checksum.h"

namespace bulkhead::rules {
namespace {

constexpr uint8_t kGre = 47, kEsp = 50, kAh = 51, kUdpLite = 136;

bool has_another_sum(uint8_t number) {
  return number == kGre || number == kEsp || number == kAh || number == kUdpLite || number == packet::protocol::sctp;
}

/// Whoever received the packet has verified these.
bool is_verified(const chain::Descriptor& descriptor, const HeaderView& packet) {
  uint8_t const icmp = packet.source.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6;
  return descriptor.shape == packet::Shape::ip &&
         (packet.protocol == packet::protocol::tcp || packet.protocol == packet::protocol::udp || packet.protocol == icmp);
}

uint64_t pseudo_header(const HeaderView& packet, size_t length) {
  size_t const address = packet.source.size();
  uint64_t sum = length + packet.protocol;
  for (const IpAddress* one : {&packet.source, &packet.destination})
    for (size_t i = 0; i < address; i += 2) sum += load_be16(one->bytes.data() + i);
  return sum;
}

bool gained_sum(const chain::Descriptor& descriptor, const HeaderView& packet, std::span<const uint8_t> frame, std::span<const uint8_t> head) {
  constexpr size_t kSum = 6;
  if (packet.protocol != packet::protocol::udp || descriptor.l4_offset < descriptor.l3_offset) return false;
  size_t const was = size_t{descriptor.l4_offset} + kSum, is = was - descriptor.l3_offset;
  if (was + 2 > frame.size() || is + 2 > head.size()) return false;
  return load_raw<uint16_t>(frame.data() + was) == 0 && load_raw<uint16_t>(head.data() + is) != 0;
}

}  // namespace

bool is_refusable(const chain::Descriptor& descriptor, const HeaderView& packet, std::span<const uint8_t> frame,
                  std::span<const uint8_t> head, bool unsummed) noexcept {
  if (gained_sum(descriptor, packet, frame, head)) return false;
  size_t const end = size_t{descriptor.l3_offset} + descriptor.l3_length, l4 = descriptor.l4_offset;
  if (packet.source.l3 == 6 && l4 >= end) return false;  // reject6_csum_ok: nothing behind the headers
  if (has_another_sum(packet.protocol)) return true;
  if (is_verified(descriptor, packet)) return (descriptor.facts & chain::Facts::bad_checksum) == 0;
  if (end > frame.size() || l4 <= descriptor.l3_offset || l4 > end) return true;
  auto const payload = frame.subspan(l4, end - l4);
  if (packet.protocol == packet::protocol::udp && payload.size() >= 8 && load_raw<uint16_t>(payload.data() + 6) == 0) return true;
  if (unsummed) return false;
  bool const pseudo = packet.source.l3 == 6 || packet.protocol == packet::protocol::tcp || packet.protocol == packet::protocol::udp;
  // Without a pseudo-header the kernel sums the IP header too, which adds up to all ones: nothing, and zeros, are right.
  return packet::internet_sum(payload, pseudo ? pseudo_header(packet, payload.size()) : 0xffff) == 0xffff;
}

}  // namespace bulkhead::rules
