#include "services/rules/header_view.h"

#include "common/icmp.h"

namespace bulkhead::rules {
namespace {

constexpr size_t kIpv4Header = 20, kIpv6Header = 40;

IpAddress address_at(const uint8_t* bytes, uint8_t l3) {
  IpAddress address;
  address.l3 = l3;
  std::memcpy(address.bytes.data(), bytes, address.size());
  return address;
}

}  // namespace

std::optional<HeaderView> HeaderView::of(const Descriptor& descriptor, std::span<const uint8_t> frame) noexcept {
  if (descriptor.shape == Shape::not_ip || descriptor.l3_offset >= frame.size()) return std::nullopt;
  const uint8_t* ip = frame.data() + descriptor.l3_offset;
  size_t const room = frame.size() - descriptor.l3_offset;
  uint8_t const l3 = ip[0] >> 4;
  if ((l3 != 4 || room < kIpv4Header) && (l3 != 6 || room < kIpv6Header)) return std::nullopt;
  HeaderView view;
  view.length = descriptor.l3_length;
  // The tuple of an ICMP error is the quoted packet's.
  view.protocol = descriptor.quote == Quote::quoted ? protocol::icmpv6 : descriptor.tuple.protocol;
  view.to_group = (descriptor.orders & Orders::to_group) != 0;
  view.source = address_at(ip + (l3 == 4 ? 12 : 8), l3);
  view.destination = address_at(ip + (l3 == 4 ? 16 : 24), l3);
  view.hops = ip[l3 == 4 ? 8 : 7];
  if (l3 == 4) {
    uint16_t const fragment = load_be16(ip + 6);
    view.dont_fragment = (fragment & 0x4000) != 0;
    view.later_fragment = (fragment & 0x1fff) != 0;
    view.protocol = ip[9];
  }
  size_t const l4 = descriptor.l4_offset;
  if (l4 <= descriptor.l3_offset || l4 >= frame.size() || view.later_fragment) return view;
  if (l3 == 4 && view.protocol == protocol::icmp) view.is_icmp_error = icmp::is_error(frame[l4]);
  if (l3 == 6 && view.protocol == protocol::icmpv6) view.is_icmp_error = icmpv6::is_error(frame[l4]);
  return view;
}

}  // namespace bulkhead::rules
