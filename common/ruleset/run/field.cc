#include "common/packet/ip_header.h"
#include "common/ruleset/run/field.h"

#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

using Role = StepOperation::Role;

/// `bits` from bit `offset` on of big-endian bytes.
Number extract(const uint8_t* bytes, size_t count, unsigned offset, unsigned bits) {
  Number value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  auto const behind = static_cast<unsigned>(count * 8) - offset - bits;
  value >>= behind;
  return bits >= 128 ? value : value & ((Number{1} << bits) - 1);
}

/// A part of at most 8 bytes that lies well within head: one load.
bool quick(const Evaluation& packet, size_t byte, unsigned offset, unsigned bits, Number& value) {
  if (offset + bits > 64 || byte + 8 > packet.head_length) return false;
  uint64_t const word = load_be64(packet.head.data() + byte) << offset;
  value = word >> (64 - bits);
  return true;
}

Next field(const Step& step, Evaluation& packet, size_t base) {
  bool const there = load_bits(packet, base + step.offset / 8, step.offset % 8, step.bits, packet.registers[step.to]);
  return there ? Next::step : Next::rule;
}

Next load_link_field(const Step& step, Evaluation& packet) noexcept {
  size_t const byte = step.offset / 8, count = (step.offset % 8 + step.bits + 7) / 8;
  if (count > 16 || byte + count > packet.link.size()) return Next::rule;
  packet.registers[step.to] = extract(packet.link.data() + byte, count, step.offset % 8, step.bits);
  return Next::step;
}

Next load_network_field(const Step& step, Evaluation& packet) noexcept { return field(step, packet, 0); }

Next load_transport_field(const Step& step, Evaluation& packet) noexcept {
  if (packet.transport != Evaluation::kNone) return field(step, packet, packet.transport);
  // Linux nft_payload_fast_eval does not ask whether this is a later fragment: what stands behind IPv4's header is read, and of IPv6,
  // where it found no transport header, the packet's first byte.
  size_t const first = step.offset / 8, bytes = (step.offset % 8 + size_t{step.bits} + 7) / 8;
  bool const fast = (bytes == 1 || bytes == 2 || bytes == 4) && first % bytes == 0;
  if (packet.later_fragment6 && fast) return field(step, packet, 0);
  bool const later4 = packet.l3 == 4 && packet.knows_protocol && packet::ip_header::is_later_fragment(packet.head.data());
  return later4 && fast ? field(step, packet, packet::ip_header::length(packet.head[0])) : Next::rule;
}

// --- which fields are the same in all packets of a flow ---

struct Bits {
  uint32_t first, behind;
  [[nodiscard]] bool hold(const Step& step) const { return step.offset >= first && step.offset + step.bits <= behind; }
};

/// Addresses and protocol.
bool is_steady_network(const Step& step, const Step*, uint8_t family, const Program&) {
  constexpr Bits kSource4{96, 128}, kDestination4{128, 160}, kProtocol4{72, 80};
  constexpr Bits kSource6{64, 192}, kDestination6{192, 320}, kProtocol6{48, 56};
  if (family == 6) return kSource6.hold(step) || kDestination6.hold(step) || kProtocol6.hold(step);
  return kSource4.hold(step) || kDestination4.hold(step) || (family == 4 && kProtocol4.hold(step));
}

/// Ports; and TCP's flags, where those that may differ are masked out at once.
bool is_steady_transport(const Step& step, const Step* next, uint8_t, const Program& program) {
  constexpr Number kFlagsAside = 0x08 | 0x40 | 0x80;  // PSH, ECE, CWR
  constexpr uint32_t kTcpFlags = 13 * 8;              // bits
  if (step.offset + step.bits <= 32) return true;
  if (step.offset != kTcpFlags || step.bits != 8 || next == nullptr || next->to != step.to) return false;
  return program.operation(*next).masks && (next->a & kFlagsAside) == 0;
}

/// What the packet has to be.
template <auto member>
consteval StepOperation checking(StepOperation row) {
  row.run = [](const Step& step, Evaluation& packet) noexcept {
    return packet.*member == step.a ? Next::step : Next::rule;
  };
  row.role = Role::test;
  row.steady = true;
  return row;
}

}  // namespace

bool load_bits(const Evaluation& packet, size_t byte, unsigned offset, unsigned bits, Number& into) noexcept {
  if (quick(packet, byte, offset, bits, into)) return true;
  std::array<uint8_t, 17> bytes;
  size_t const count = (offset + bits + 7) / 8;
  if (count > 16 || !packet.copy(byte, std::span(bytes).first(count))) return false;
  into = extract(bytes.data(), count, offset, bits);
  return true;
}

constinit const StepOperation link_field{.name = "link field", .run = load_link_field, .role = Role::load};
constinit const StepOperation network_field{
    .name = "network field", .run = load_network_field, .role = Role::load, .steady_where = is_steady_network};
constinit const StepOperation transport_field{
    .name = "transport field", .run = load_transport_field, .role = Role::load, .steady_where = is_steady_transport};

constinit const StepOperation is_family = checking<&Evaluation::l3>({.name = "is family", .says_family = true});
constinit const StepOperation is_protocol{
    .name = "is protocol",
    .run = [](const Step& step, Evaluation& packet) noexcept {
      return packet.knows_protocol && packet.protocol == step.a ? Next::step : Next::rule;
    },
    .role = Role::test,
    .steady = true};
constinit const StepOperation is_ether_type = checking<&Evaluation::ether_type>({.name = "is Ethernet type"});

constinit const StepOperation is_tagged{
    .name = "is tagged",
    .run = [](const Step& step, Evaluation& packet) noexcept {
      constexpr size_t kType = 12;
      uint16_t const type = packet.link.size() < kType + 6 ? uint16_t{0} : load_be16(packet.link.data() + kType);
      bool const other = step.b != 0 && type == packet::ethertype::service_vlan;  // the rule has asked which
      return type == step.a || other ? Next::step : Next::rule;
    },
    .role = Role::test};

}  // namespace bulkhead::ruleset::run
