// common/ruleset/run/inner.cc: `@ih`: what lies behind the transport's header.
//
// Source  Linux __nft_payload_inner_offset.
#include <optional>

#include "common/base/bytes.h"
#include "common/ruleset/run/edit.h"
#include "common/ruleset/run/field.h"

namespace bulkhead::ruleset::run {
namespace {

constexpr uint8_t kIpInIp = 4, kGre = 47;
constexpr size_t kUdpHeader = 8, kTcpHeader = 20, kGreHeader = 4, kGreField = 4;

/// A checksum, a key and a number may follow; a version of PPTP's, or routing, which nobody sends, says that it is not known.
std::optional<size_t> gre_length(const Evaluation& packet) {
  constexpr uint16_t kChecksum = 0x8000, kRouting = 0x4000, kKey = 0x2000, kSequence = 0x1000, kVersion = 7;
  std::array<uint8_t, kGreHeader> gre;
  if (!packet.copy(packet.transport, gre)) return std::nullopt;
  uint16_t const flags = load_be16(gre.data());
  if ((flags & (kVersion | kRouting)) != 0) return std::nullopt;
  size_t length = kGreHeader;
  for (uint16_t const flag : {kChecksum, kKey, kSequence})
    if ((flags & flag) != 0) length += kGreField;
  return length;
}

/// From the network header on.
std::optional<size_t> inner_of(const Evaluation& packet) {
  if (packet.transport == Evaluation::kNone) return std::nullopt;
  size_t const at = packet.transport;
  switch (packet.protocol) {
    case packet::protocol::udp: return at + kUdpHeader;
    case packet::protocol::tcp: {
      std::array<uint8_t, kTcpHeader> tcp;
      if (!packet.copy(at, tcp)) return std::nullopt;
      return at + (size_t{tcp[12]} >> 4) * 4;
    }
    case kGre: {
      auto const length = gre_length(packet);
      return length ? std::optional(at + *length) : std::nullopt;
    }
    case kIpInIp: return at;
    default: return std::nullopt;
  }
}

Next load_inner(const Step& step, Evaluation& packet) noexcept {
  auto const inner = inner_of(packet);
  bool const there = inner && load_bits(packet, *inner + step.offset / 8, step.offset % 8, step.bits, packet.registers[step.to]);
  return there ? Next::step : Next::rule;
}

Next set_inner(const Step& step, Evaluation& packet) noexcept {
  auto const inner = inner_of(packet);
  return inner ? set_field(step, packet, *inner) : Next::rule;
}

}  // namespace

constinit const StepOperation inner_field{.name = "inner field", .run = load_inner, .role = StepOperation::Role::load};
constinit const StepOperation set_inner_field{.name = "set inner field", .run = set_inner, .edits = true};

}  // namespace bulkhead::ruleset::run
