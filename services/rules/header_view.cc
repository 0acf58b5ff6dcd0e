#include "services/rules/header_view.h"

#include "common/packet/icmp.h"
#include "common/packet/ip_header.h"

namespace bulkhead::rules {

void HeaderView::read(const uint8_t* ip) noexcept {
  uint8_t const l3 = ip[0] >> 4;
  source = packet::ip_header::source(ip, l3);
  destination = asked = packet::ip_header::destination(ip, l3);
  hops = ip[l3 == 4 ? 8 : 7];
  if (l3 != 4) return;
  dont_fragment = (ip[6] & 0x40) != 0;
  later_fragment = packet::ip_header::is_later_fragment(ip);
  protocol = ip[9];
}

std::optional<HeaderView> HeaderView::of(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept {
  if (descriptor.shape == packet::Shape::not_ip || descriptor.l3_offset >= frame.size()) return std::nullopt;
  const uint8_t* ip = frame.data() + descriptor.l3_offset;
  uint8_t const l3 = packet::ip_header::version(frame.subspan(descriptor.l3_offset));
  if (l3 == 0) return std::nullopt;
  HeaderView view;
  view.length = descriptor.l3_length;
  view.largest_fragment = descriptor.largest_fragment;
  // The tuple of an ICMP error is the quoted packet's.
  view.protocol = descriptor.quote == chain::Quote::quoted ? packet::protocol::icmpv6 : descriptor.tuple.protocol;
  view.to_group = (descriptor.facts & chain::Facts::to_group) != 0;
  view.super_frame = (descriptor.facts & chain::Facts::super_frame) != 0;
  view.read(ip);
  size_t const l4 = descriptor.l4_offset;
  if (l4 <= descriptor.l3_offset || view.later_fragment) return view;
  bool const icmp = view.protocol == (l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6);
  view.is_icmp_error = icmp && l4 >= size_t{descriptor.l3_offset} + descriptor.l3_length;
  if (l4 >= frame.size()) return view;
  if (l3 == 4 && view.protocol == packet::protocol::icmp) view.is_icmp_error |= packet::icmp::is_error(frame[l4]);
  if (l3 == 6 && view.protocol == packet::protocol::icmpv6) view.is_icmp_error |= packet::icmpv6::is_error(frame[l4]);
  return view;
}

}  // namespace bulkhead::rules
