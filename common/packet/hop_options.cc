#include "common/packet/hop_options.h"

#include <algorithm>
#include <optional>

#include "common/packet/ip_header.h"

namespace bulkhead::packet {
namespace {

using ip_header::kIpv6;
constexpr uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5, kCalipso = 7, kIoam = 0x31, kJumbo = 0xc2;
constexpr uint32_t kLargest = 65535;  // that needs no jumbo option
constexpr unsigned kMostOptions = 8, kMostPadding = 7;
constexpr uint8_t kHeaderField = 0, kUnknownOption = 2;  // codes of the parameter problem
constexpr HopFault kSilent{HopFault::Kind::silent};

struct Options {
  std::span<const uint8_t> packet;
  uint32_t length;  // of the packet on the wire
  uint32_t end;     // of the options
};

/// None: they do not fit the packet. Empty ones, of which nothing can be said: the capture ends before them.
std::optional<Options> options_of(std::span<const uint8_t> packet, uint32_t length) {
  uint32_t const says = load_be16(packet.data() + 4);
  uint32_t const most = says == 0 ? length : std::min<uint32_t>(length, static_cast<uint32_t>(kIpv6) + says);
  if (most < kIpv6 + 8) return std::nullopt;
  if (packet.size() < kIpv6 + 2) return Options{packet, length, kIpv6};
  uint32_t const end = kIpv6 + extension_length(protocol::hop_by_hop, packet.data() + kIpv6);
  if (end > most) return std::nullopt;
  return Options{packet, length, end > packet.size() ? static_cast<uint32_t>(kIpv6) : end};
}

bool is_bad_padding(const Options& options, uint32_t at, uint32_t bytes) {
  auto const zeros = options.packet.subspan(at + 2, bytes - 2);
  return std::ranges::any_of(zeros, [](uint8_t byte) { return byte != 0; });
}

HopFault jumbo_fault(const Options& options, uint32_t at) {
  if (options.packet[at + 1] != 4 || (at & 3) != 2) return kSilent;
  uint32_t const says = load_be32(options.packet.data() + at + 2);
  if (says <= kLargest) return {HopFault::Kind::problem, kHeaderField, at + 2};
  if (load_be16(options.packet.data() + 4) != 0) return {HopFault::Kind::problem, kHeaderField, at};
  return says > options.length - kIpv6 ? kSilent : HopFault{};
}

/// RFC 8200 4.2: the first two bits of its type say what is to be done.
HopFault unknown_fault(const Options& options, uint32_t at) {
  constexpr uint8_t kGroup = 0xff;
  switch (options.packet[at] >> 6) {
    case 0: return {};
    case 2: return {HopFault::Kind::problem, kUnknownOption, at, true};
    case 3: return options.packet[24] == kGroup ? kSilent : HopFault{HopFault::Kind::problem, kUnknownOption, at};
    default: return kSilent;
  }
}

HopFault fault_of(const Options& options, uint32_t at) {
  uint8_t const bytes = options.packet[at + 1];
  switch (options.packet[at]) {
    case kRouterAlert: return bytes == 2 ? HopFault{} : kSilent;
    case kIoam: return (at & 3) == 0 ? HopFault{} : kSilent;
    case kJumbo: return jumbo_fault(options, at);
    case kCalipso: return kSilent;  // no domain of interpretation is set up here (calipso_validate)
    default: return unknown_fault(options, at);
  }
}

}  // namespace

HopFault router_fault(std::span<const uint8_t> packet, uint32_t length) noexcept {
  auto const options = options_of(packet, length);
  if (!options) return kSilent;
  unsigned padding = 0, count = 0;
  for (uint32_t at = kIpv6 + 2; at < options->end;) {
    bool const pad1 = packet[at] == kPad1;
    if (!pad1 && (options->end - at < 2 || packet[at + 1] + 2U > options->end - at)) return kSilent;
    uint32_t const bytes = pad1 ? 1 : packet[at + 1] + 2U;
    if (pad1 || packet[at] == kPadN) {
      padding += bytes;
      if (padding > kMostPadding || (!pad1 && is_bad_padding(*options, at, bytes))) return kSilent;
    } else {
      padding = 0;
      if (++count > kMostOptions) return kSilent;
      if (HopFault const fault = fault_of(*options, at); fault.kind != HopFault::Kind::none) return fault;
    }
    at += bytes;
  }
  return {};
}

bool bridge_drops(std::span<const uint8_t> packet, uint32_t length) noexcept {
  auto const options = options_of(packet, length);
  if (!options) return true;
  for (uint32_t at = kIpv6 + 2; at < options->end;) {
    if (packet[at] == kPad1) {
      ++at;
      continue;
    }
    if (options->end - at < 2 || packet[at + 1] + 2U > options->end - at) return true;
    if (packet[at] == kJumbo && jumbo_fault(*options, at).kind != HopFault::Kind::none) return true;
    at += packet[at + 1] + 2U;
  }
  return false;
}

}  // namespace bulkhead::packet
