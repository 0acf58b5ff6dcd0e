#include "services/pktio/out/transmit.h"

#include <algorithm>

#include "common/packet/ip_header.h"
#include "common/packet/link.h"
#include "ipc/state/answer_packet.h"

namespace bulkhead::pktio {
namespace {

void rewrite_packet(std::span<uint8_t> packet, const chain::Descriptor& descriptor, const packet::Rewriting& what) {
  uint8_t const l3 = packet::ip_header::version(packet);
  if (l3 == 0) return;
  // The tuple of an ICMP error is the quoted packet's.
  uint8_t const number = descriptor.quote == chain::Quote::none ? descriptor.tuple.protocol
                         : l3 == 4                       ? packet::protocol::icmp
                                                         : packet::protocol::icmpv6;
  bool const has_transport = descriptor.l4_offset > descriptor.l3_offset && !packet::ip_header::is_later_fragment(packet.data());
  packet::rewrite(packet, number, has_transport ? size_t{descriptor.l4_offset} - descriptor.l3_offset : 0, what);
}

}  // namespace

Transmit::Transmit(const Topology& topology) : topology_(topology), routes_(topology_), neighbours_(topology_) {}

size_t Transmit::link_header(const Hop& hop) {
  const Way& way = routes_.way(hop.way);
  return link_header(hop.out, way.via.is_none() ? hop.destination : way.via);
}

size_t Transmit::link_header(uint16_t device, const IpAddress& next) {
  const Mac& own = topology_.interfaces[device].mac;
  uint16_t const type = next.l3 == 4 ? packet::ethertype::ipv4 : packet::ethertype::ipv6;
  packet::LinkFields fields{{}, own, type, static_cast<uint8_t>(device + 1)};
  if (link_ == packet::LinkType::ethernet) fields.to = neighbours_.mac_of(next, device);
  return packet::write_link(link_, fields, std::span(buffer_).first<packet::kLinkMost>());
}

Frame Transmit::translated(const chain::Descriptor& descriptor, const Frame& frame, const packet::Rewriting& what) {
  size_t const at = std::min<size_t>(descriptor.l3_offset, frame.captured.size());
  buffer_.assign(frame.captured.begin(), frame.captured.end());
  size_t const length = std::min<size_t>(frame.captured.size() - at, descriptor.l3_length);
  rewrite_packet(std::span(buffer_).subspan(at, length), descriptor, what);
  return {buffer_, frame.wire, frame.link};
}

Frame Transmit::routed(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t wire,
                                 const packet::Rewriting* what) {
  size_t const at = descriptor.l3_offset;
  if (at >= frame.size() || descriptor.out >= topology_.interfaces.size()) return {};
  uint8_t const l3 = packet::ip_header::version(frame.subspan(at));
  if (l3 == 0) return {};
  uint32_t const length = std::min(descriptor.l3_length, wire - static_cast<uint32_t>(at));
  auto const packet = frame.subspan(at, std::min<size_t>(frame.size() - at, length));
  buffer_.resize(packet::kLinkMost + packet.size());
  IpAddress destination = packet::ip_header::destination(packet.data(), l3);
  if (what != nullptr && (what->outer & packet::Rewriting::destination) != 0) destination.bytes = what->to.dst;
  size_t const header = link_header({descriptor.out, descriptor.way, destination});
  std::ranges::copy(packet, buffer_.data() + header);
  if (what != nullptr) rewrite_packet(std::span(buffer_).subspan(header, packet.size()), descriptor, *what);
  if (chain::has_to_pass_hop(descriptor)) packet::ip_header::pass_hop(buffer_.data() + header);
  return {std::span(buffer_).first(header + packet.size()), static_cast<uint32_t>(header) + length, static_cast<uint32_t>(header)};
}

Frame Transmit::copied(const state::Copy& copy, std::span<const uint8_t> headers, const chain::Descriptor& descriptor, const Frame& frame) {
  using Link = state::Copy::Link;
  size_t const at = std::min<size_t>(descriptor.l3_offset, frame.captured.size());
  auto packet = frame.captured.subspan(at);
  uint32_t length = frame.wire - std::min(frame.wire, static_cast<uint32_t>(at));
  if (copy.alone != 0) {
    packet = headers;
    length = static_cast<uint32_t>(headers.size());
  } else if (copy.link == Link::made) {
    length = std::min(descriptor.l3_length, length);
    packet = packet.first(std::min<size_t>(packet.size(), length));
  }
  bool const came = copy.link == Link::as_came, known = came || (copy.device < topology_.interfaces.size() && copy.next.l3 == packet::ip_header::version(headers));
  if (headers.size() > packet.size() || copy.link > Link::received || !known) return {};
  buffer_.resize(std::max(at, packet::kLinkMost) + packet.size());
  size_t header = came ? at : link_header(copy.device, copy.next);
  bool const tagged = copy.link == Link::received && link_ == packet::LinkType::ethernet && at > header;
  std::array<uint8_t, 2 * sizeof(Mac)> ends{};
  std::copy_n(buffer_.begin(), ends.size(), ends.begin());
  if (came || tagged) std::ranges::copy(frame.captured.first(at), buffer_.begin());
  if (tagged) std::ranges::copy(ends, buffer_.begin());
  if (tagged) header = at;
  auto const whole = std::span(buffer_).subspan(header, packet.size());
  std::ranges::copy(packet, whole.begin());
  std::ranges::copy(headers, whole.begin());
  bool const sums = copy.renews_sctp != 0 && descriptor.tuple.protocol == packet::protocol::sctp && descriptor.l4_offset > descriptor.l3_offset;
  if (sums && packet::ip_header::version(whole) != 0 && !packet::ip_header::is_later_fragment(whole.data())) packet::renew_sctp_checksum(whole, size_t{descriptor.l4_offset} - descriptor.l3_offset);
  return {std::span(buffer_).first(header + packet.size()), static_cast<uint32_t>(header) + length, static_cast<uint32_t>(header)};
}

Frame Transmit::answer(const state::Answer& answer, const chain::Descriptor& descriptor,
                                 std::span<const uint8_t> frame) {
  size_t const at = descriptor.l3_offset;
  if (answer.out >= topology_.interfaces.size() || at >= frame.size() || packet::ip_header::version(frame.subspan(at)) == 0) return {};
  auto const refused = frame.subspan(at);
  buffer_.resize(packet::kLinkMost + state::kAnswerMost);
  IpAddress destination = packet::ip_header::source(refused.data(), packet::ip_header::version(refused));
  if ((answer.what.outer & packet::Rewriting::destination) != 0) destination.bytes = answer.what.to.dst;
  size_t const header = link_header({answer.out, answer.way, destination});
  size_t const length = state::make_answer(answer, descriptor, refused, std::span(buffer_).subspan(header));
  if (length == 0) return {};
  return {std::span(buffer_).first(header + length), static_cast<uint32_t>(header + length)};
}

}  // namespace bulkhead::pktio
