// common/ruleset/run/copy.cc: what leaves besides the packet, or the packet by another way: `dup`, `fwd`.
//
// Source  Linux nft_dup_ipv4_eval, nft_dup_netdev_eval, nft_fwd_netdev_eval, nft_fwd_neigh_eval.
#include "common/packet/ip_header.h"
#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using To = CopyOrder::To;

IpAddress address_in(Number number, uint8_t l3) {
  IpAddress address;
  address.l3 = l3;
  for (size_t i = 0; i < address.size(); ++i) address.bytes[i] = static_cast<uint8_t>(number >> (8 * (address.size() - 1 - i)));
  return address;
}

bool send(const Evaluation& packet, const CopyOrder& order) { return packet.copier != nullptr && packet.copier->send(packet, order); }

Next duplicate(const Step& step, Evaluation& packet) noexcept {
  static_cast<void>(send(packet, {.to = To::device, .device = static_cast<uint32_t>(packet.registers[step.to])}));
  return Next::step;
}

Next duplicate_along(const Step& step, Evaluation& packet) noexcept {
  uint32_t const device = step.offset == 0 ? 0 : static_cast<uint32_t>(packet.registers[step.to + 1U]);
  if (step.offset != 0 && device == 0) return Next::step;  // there is no such interface
  static_cast<void>(send(packet, {.to = To::route, .device = device, .address = address_in(packet.registers[step.to], packet.l3)}));
  return Next::step;
}

Next gone(Evaluation& packet, const CopyOrder& order) {
  if (send(packet, order)) packet.forwarded = order.device;
  return decide(packet, Decision::drop);
}

Next forward(const Step& step, Evaluation& packet) noexcept {
  return gone(packet, {.to = To::device, .device = static_cast<uint32_t>(packet.registers[step.to]), .itself = true});
}

Next forward_to(const Step& step, Evaluation& packet) noexcept {
  constexpr uint8_t kHops4 = 8, kHops6 = 7;
  auto const version = static_cast<uint8_t>(step.a);
  if (packet.ether_type != (version == 4 ? packet::ethertype::ipv4 : packet::ethertype::ipv6)) return Next::rule;
  if (packet.l3 != version || packet.head[version == 4 ? kHops4 : kHops6] <= 1) return decide(packet, Decision::drop);
  return gone(packet, {.to = To::neighbour, .device = static_cast<uint32_t>(packet.registers[step.to + 1U]),
                       .address = address_in(packet.registers[step.to], version), .itself = true});
}

}  // namespace

constinit const StepOperation dup_to_device{.name = "dup to device", .run = duplicate, .copies = true};
constinit const StepOperation dup_to_address{.name = "dup to address", .run = duplicate_along, .copies = true};
constinit const StepOperation fwd_to_device{.name = "fwd to device", .run = forward, .verdict = StepOperation::Verdict::drop, .copies = true};
constinit const StepOperation fwd_to_neighbour{.name = "fwd to neighbour", .run = forward_to, .verdict = StepOperation::Verdict::drop, .copies = true};

}  // namespace bulkhead::ruleset::run
