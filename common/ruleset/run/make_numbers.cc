// common/ruleset/run/make_numbers.cc: `numgen`, `jhash`, `symhash`, `meta random`.
//
// Source  Linux nft_numgen.c, nft_hash.c, include/linux/jhash.h (Bob Jenkins, lookup3), __skb_get_hash_symmetric.
#include <bit>

#include "common/ruleset/run/make_numbers.h"
#include "common/ruleset/run/run.h"

namespace bulkhead::ruleset::run {
namespace {

uint32_t scaled(uint32_t number, uint32_t below) { return static_cast<uint32_t>(uint64_t{number} * below >> 32); }
uint32_t modulus(const Step& step) { return static_cast<uint32_t>(step.a); }
uint32_t added(const Step& step) { return static_cast<uint32_t>(step.b); }

uint32_t by_chance(const Evaluation& packet, Chance::Purpose purpose, uint64_t more) {
  return static_cast<uint32_t>((*packet.program->chance)(purpose, packet.number, more));
}

Next give(const Step& step, Evaluation& packet, uint32_t hash) {
  packet.registers[step.to] = scaled(hash, modulus(step)) + added(step);
  return Next::step;
}

Next count_up(const Step& step, Evaluation& packet) noexcept {
  uint64_t const before = packet.state == nullptr ? 0 : packet.state->get(step.word);
  uint64_t const number = before + 1 < modulus(step) ? before + 1 : 0;
  if (packet.state != nullptr) packet.state->set(step.word, number);
  packet.registers[step.to] = static_cast<uint32_t>(number) + added(step);
  return Next::step;
}

Next draw(const Step& step, Evaluation& packet) noexcept {
  return give(step, packet, by_chance(packet, Chance::Purpose::numgen, step.offset));
}

Next draw_any(const Step& step, Evaluation& packet) noexcept {
  packet.registers[step.to] = by_chance(packet, Chance::Purpose::meta_random, step.offset);
  return Next::step;
}

Next hash(const Step& step, Evaluation& packet) noexcept {
  const HashedFields& hashed = packet.program->hashed[step.data];
  std::array<uint8_t, HashedFields::kBytes> bytes{};
  size_t length = 0;
  for (size_t number = 0; number < hashed.count; ++number) {
    HashedFields::Field const field = hashed.fields[number];
    Number value = packet.registers[step.to + number];
    for (size_t i = 0; i < field.bytes; ++i, value >>= 8)
      bytes[length + (field.host_order ? i : field.bytes - 1U - i)] = static_cast<uint8_t>(value);
    // Fields of a concatenation begin on registers of four bytes.
    length += hashed.count == 1 ? field.bytes : (field.bytes + 3U) / 4 * 4;
  }
  return give(step, packet, jhash(std::span(bytes).first(length), hashed.seed));
}

Next hash_both_ways(const Step& step, Evaluation& packet) noexcept {
  uint8_t const address = packet.l3 == 4 ? 4 : 16;
  size_t const at = packet.l3 == 4 ? 12 : 8;
  std::array<uint64_t, 2> ends{};
  std::array<std::array<uint8_t, 18>, 2> bytes{};
  bool const ports = packet.protocol == packet::protocol::tcp || packet.protocol == packet::protocol::udp || packet.protocol == packet::protocol::sctp;
  for (size_t i = 0; i < 2; ++i) {
    if (!packet.copy(at + i * address, std::span(bytes[i]).first(address))) return Next::rule;
    if (ports && packet.transport != Evaluation::kNone)
      (void)packet.copy(packet.transport + 2 * i, std::span(bytes[i]).subspan(16));
    for (size_t k = 0; k < bytes[i].size(); ++k) ends[i] = std::rotl(ends[i], 8) * 0x9e3779b97f4a7c15U + bytes[i][k];
  }
  // The same both ways.
  const Chance& chance = *packet.program->chance;
  uint64_t const both = chance(Chance::Purpose::hash_seed, ends[0] + ends[1], (ends[0] ^ ends[1]) + packet.protocol);
  return give(step, packet, static_cast<uint32_t>(both));
}

}  // namespace

constinit const StepOperation numgen_inc{
    .name = "numgen inc", .run = count_up, .changes = 1, .order = StepOperation::Order::word, .by_chance = true};
constinit const StepOperation numgen_random{.name = "numgen random", .run = draw, .by_chance = true};
constinit const StepOperation random{.name = "meta random", .run = draw_any, .by_chance = true};
constinit const StepOperation jenkins{
    .name = "jhash", .run = hash, .data = StepOperation::Data::hashed, .by_chance = true};
constinit const StepOperation symmetric_hash{.name = "symhash", .run = hash_both_ways, .by_chance = true};

uint32_t jhash(std::span<const uint8_t> bytes, uint32_t seed) noexcept {
  size_t left = bytes.size(), at = 0;
  uint32_t a = 0xdeadbeef + static_cast<uint32_t>(left) + seed, b = a, c = a;
  auto const word = [&](size_t offset) {  // little-endian, zeros beyond the end
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && offset + i < bytes.size(); ++i) value |= uint32_t{bytes[offset + i]} << (8 * i);
    return value;
  };
  for (; left > 12; left -= 12, at += 12) {
    a += word(at);
    b += word(at + 4);
    c += word(at + 8);
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  if (left == 0) return c;
  a += word(at);
  b += word(at + 4);
  c += word(at + 8);
  c ^= b, c -= std::rotl(b, 14);
  a ^= c, a -= std::rotl(c, 11);
  b ^= a, b -= std::rotl(a, 25);
  c ^= b, c -= std::rotl(b, 16);
  a ^= c, a -= std::rotl(c, 4);
  b ^= a, b -= std::rotl(a, 14);
  c ^= b, c -= std::rotl(b, 24);
  return c;
}

}  // namespace bulkhead::ruleset::run