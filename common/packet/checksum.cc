#include "common/packet/checksum.h"

#include <algorithm>
#include <array>

namespace bulkhead::packet {
namespace {

/// Adds with the carry brought round, which a ones' complement sum of any width allows.
constexpr uint64_t add(uint64_t sum, uint64_t more) noexcept {
  sum += more;
  return sum + (sum < more ? 1 : 0);
}

/// Bytes as they lie; a last odd one stands before a zero.
uint64_t raw_sum(const uint8_t* at, size_t size, uint64_t sum) noexcept {
  if (size >= 32) {
    // Halves of words into sums twice as wide, which no packet makes overflow: no step waits for a carry.
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (; size >= 32; at += 32, size -= 32) {
      uint64_t const w = load_raw<uint64_t>(at), x = load_raw<uint64_t>(at + 8);
      uint64_t const y = load_raw<uint64_t>(at + 16), z = load_raw<uint64_t>(at + 24);
      a += (w & 0xffffffff) + (w >> 32);
      b += (x & 0xffffffff) + (x >> 32);
      c += (y & 0xffffffff) + (y >> 32);
      d += (z & 0xffffffff) + (z >> 32);
    }
    sum = add(sum, a + b + c + d);
  }
  for (; size >= 8; at += 8, size -= 8) sum = add(sum, load_raw<uint64_t>(at));
  if ((size & 4) != 0) sum = add(sum, load_raw<uint32_t>(at)), at += 4;
  if ((size & 2) != 0) sum = add(sum, load_raw<uint16_t>(at)), at += 2;
  if ((size & 1) != 0) sum = add(sum, load_raw<uint16_t>(std::array<uint8_t, 2>{*at, 0}.data()));
  return sum;
}

constexpr uint16_t fold(uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

/// As the kernel has it: the IP packet's length, whatever UDP says, and the addresses of the IP header.
uint64_t pseudo_header(const Headers& h, uint8_t number, uint32_t length) noexcept {
  uint64_t sum = uint64_t{to_network(length)} + to_network(uint32_t{number});
  size_t const bytes = h.tuple.l3 == 4 ? 4 : 16;
  sum = raw_sum(h.tuple.src.data(), bytes, sum);
  return raw_sum(h.tuple.dst.data(), bytes, sum);
}

Checksum with_pseudo_header(std::span<const uint8_t> covered, size_t field, const Headers& h) noexcept {
  uint64_t const pseudo = pseudo_header(h, h.tuple.protocol, h.l4_length());
  if (fold(raw_sum(covered.data(), covered.size(), pseudo)) == 0xffff) return Checksum::good;
  auto const says = load_raw<uint16_t>(covered.data() + field);
  // A card that cuts a segment up adds the length of each piece.
  bool const to_be_cut = h.no_length && says == fold(pseudo_header(h, h.tuple.protocol, 0));
  return says == fold(pseudo) || to_be_cut ? Checksum::partial : Checksum::bad;
}

Checksum of_udp(std::span<const uint8_t> l4, const Headers& h) noexcept {
  return load_raw<uint16_t>(l4.data() + 6) == 0 ? Checksum::none : with_pseudo_header(l4, 6, h);
}

/// The checksum is mandatory, and covers as much as the header says; parse() has checked that. The kernel's conntrack takes
/// the pseudo-header for UDP's, so what RFC 3828 calls right is INVALID. No sender leaves this sum to its card.
Checksum of_udplite(std::span<const uint8_t> l4, const Headers& h) noexcept {
  if (load_raw<uint16_t>(l4.data() + 6) == 0) return Checksum::bad;
  size_t const coverage = load_be16(l4.data() + 4);
  auto const covered = coverage == 0 ? l4 : l4.first(coverage);
  return fold(raw_sum(covered.data(), covered.size(), pseudo_header(h, protocol::udp, h.l4_length()))) == 0xffff ? Checksum::good : Checksum::bad;
}

Checksum of_sctp(std::span<const uint8_t> l4) noexcept {
  auto const field = from_network(load_raw<uint32_t>(l4.data() + 8));
  if (detail::swap(field) == sctp_checksum(l4)) return Checksum::good;
  return field == 0 ? Checksum::partial : Checksum::bad;
}

// CRC32c, reflected polynomial, eight tables of which the n-th is for a byte with n bytes behind it.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    tables[0][i] = crc;
  }
  for (size_t n = 1; n < 8; ++n)
    for (size_t i = 0; i < 256; ++i) tables[n][i] = tables[n - 1][i] >> 8 ^ tables[0][tables[n - 1][i] & 0xff];
  return tables;
}
constexpr auto kCrc = make_tables();

uint32_t crc32c(uint32_t crc, const uint8_t* at, size_t size) noexcept {
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word = load_raw<uint64_t>(at);
    if constexpr (std::endian::native == std::endian::big) word = detail::swap(word);
    word ^= crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kCrc[7 - i][word >> (8 * i) & 0xff];
  }
  for (; size != 0; ++at, --size) crc = crc >> 8 ^ kCrc[0][(crc ^ *at) & 0xff];
  return crc;
}

}  // namespace

uint16_t internet_sum(std::span<const uint8_t> bytes, uint64_t sum) noexcept {
  return from_network(fold(raw_sum(bytes.data(), bytes.size(), to_network(fold(sum)))));
}

uint32_t sctp_checksum(std::span<const uint8_t> packet) noexcept {
  constexpr std::array<uint8_t, 4> zeros{};
  uint32_t crc = crc32c(~0U, packet.data(), 8);
  crc = crc32c(crc, zeros.data(), zeros.size());
  return ~crc32c(crc, packet.data() + 12, packet.size() - 12);
}

bool ipv4_header_good(std::span<const uint8_t> captured, const Headers& h) noexcept {
  const uint8_t* ip = captured.data() + h.l3_offset;
  return fold(raw_sum(ip, size_t{ip[0] & 15U} * 4, 0)) == 0xffff;
}

Checksum verify_checksum(std::span<const uint8_t> captured, const Headers& h) noexcept {
  uint32_t const length = h.l4_length();
  if (captured.size() < size_t{h.l4_offset} + length) return Checksum::none;
  std::span<const uint8_t> const l4 = captured.subspan(h.l4_offset, length);
  switch (h.tuple.protocol) {
    case protocol::tcp: return with_pseudo_header(l4, 16, h);
    case protocol::udp: return of_udp(l4, h);
    case protocol::udplite: return of_udplite(l4, h);
    case protocol::icmp:
      if (h.tuple.l3 != 4) return Checksum::none;
      return fold(raw_sum(l4.data(), l4.size(), 0)) == 0xffff ? Checksum::good : Checksum::bad;
    case protocol::icmpv6: {
      if (h.tuple.l3 != 6) return Checksum::none;
      Checksum const seen = with_pseudo_header(l4, 2, h);
      return seen == Checksum::partial ? Checksum::bad : seen;
    }
    case protocol::sctp: return of_sctp(l4);
    default: return Checksum::none;
  }
}

}  // namespace bulkhead::packet