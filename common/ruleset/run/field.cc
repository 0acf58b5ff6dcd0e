#include "common/ruleset/run/field.h"

#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

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

}  // namespace

bool load_bits(const Evaluation& packet, size_t byte, unsigned offset, unsigned bits, Number& into) noexcept {
  if (quick(packet, byte, offset, bits, into)) return true;
  std::array<uint8_t, 17> bytes;
  size_t const count = (offset + bits + 7) / 8;
  if (count > 16 || !packet.copy(byte, std::span(bytes).first(count))) return false;
  into = extract(bytes.data(), count, offset, bits);
  return true;
}

Next link_field(const Step& step, Evaluation& packet) noexcept {
  size_t const byte = step.offset / 8, count = (step.offset % 8 + step.bits + 7) / 8;
  if (count > 16 || byte + count > packet.link.size()) return Next::rule;
  packet.registers[step.to] = extract(packet.link.data() + byte, count, step.offset % 8, step.bits);
  return Next::step;
}

Next network_field(const Step& step, Evaluation& packet) noexcept { return field(step, packet, 0); }

Next transport_field(const Step& step, Evaluation& packet) noexcept {
  if (packet.transport != Evaluation::kNone) return field(step, packet, packet.transport);
  // Linux nft_payload_fast_eval takes the first byte of such a fragment for that of its transport header.
  size_t const first = step.offset / 8, bytes = (step.offset % 8 + size_t{step.bits} + 7) / 8;
  bool const fast = (bytes == 1 || bytes == 2 || bytes == 4) && first % bytes == 0;
  return packet.later_fragment6 && fast ? field(step, packet, 0) : Next::rule;
}

Next is_family(const Step& step, Evaluation& packet) noexcept {
  return packet.l3 == step.a ? Next::step : Next::rule;
}

Next is_protocol(const Step& step, Evaluation& packet) noexcept {
  return packet.protocol == step.a ? Next::step : Next::rule;
}

Next is_ether_type(const Step& step, Evaluation& packet) noexcept {
  return packet.ether_type == step.a ? Next::step : Next::rule;
}

}  // namespace bulkhead::ruleset::run