#include "common/packet/nat_range.h"

#include <algorithm>

namespace bulkhead::packet {
namespace {

constexpr uint16_t kLowestFree = 1024, kLowClass = 512, kMiddleClass = 600;
constexpr uint32_t kAttempts = 128, kAttemptsLeast = 16;
constexpr uint32_t kLong = 8;  // times that a long search has asked

std::array<uint8_t, 16>& address(Tuple& tuple, Part part) { return part == Part::source ? tuple.src : tuple.dst; }
const std::array<uint8_t, 16>& address(const Tuple& tuple, Part part) {
  return part == Part::source ? tuple.src : tuple.dst;
}
uint16_t& port_of(Tuple& tuple, Part part) {
  return part == Part::source || tuple.is_icmp() ? tuple.src_port : tuple.dst_port;
}

bool has_ports(const Tuple& tuple) {
  switch (tuple.protocol) {
    case protocol::tcp:
    case protocol::udp:
    case protocol::udplite:
    case protocol::sctp: return true;
    default: return tuple.is_icmp();
  }
}

bool port_in(const Tuple& tuple, const NatRange& range, Part part) {
  if (!has_ports(tuple)) return true;
  Tuple copy = tuple;
  uint16_t const port = from_network(port_of(copy, part));
  return range.min_port <= port && port <= range.max_port;
}

constexpr uint32_t rol(uint32_t word, unsigned shift) { return std::rotl(word, static_cast<int>(shift)); }

/// Linux jhash2 (lookup3), of the four words of an address.
uint32_t jhash2(const std::array<uint32_t, 4>& words, uint32_t initial) {
  uint32_t a = 0xdeadbeefU + (4U << 2) + initial, b = a, c = a;
  a += words[0];
  b += words[1];
  c += words[2];
  a -= c, a ^= rol(c, 4), c += b;
  b -= a, b ^= rol(a, 6), a += c;
  c -= b, c ^= rol(b, 8), b += a;
  a -= c, a ^= rol(c, 16), c += b;
  b -= a, b ^= rol(a, 19), a += c;
  c -= b, c ^= rol(b, 4), b += a;
  a += words[3];
  c ^= b, c -= rol(b, 14);
  a ^= c, a -= rol(c, 11);
  b ^= a, b -= rol(a, 25);
  c ^= b, c -= rol(b, 16);
  a ^= c, a -= rol(c, 4);
  b ^= a, b -= rol(a, 14);
  c ^= b, c -= rol(b, 24);
  return c;
}

std::array<uint32_t, 4> raw_words(const std::array<uint8_t, 16>& bytes) {
  return {load_raw<uint32_t>(bytes.data()), load_raw<uint32_t>(bytes.data() + 4), load_raw<uint32_t>(bytes.data() + 8),
          load_raw<uint32_t>(bytes.data() + 12)};
}

/// The address of a range that a flow gets: a function of its source, and its destination unless `persistent`.
IpAddress address_in(const Tuple& tuple, const NatRange& range, Part part) {
  IpAddress chosen{address(tuple, part), tuple.l3};
  if ((range.flags & NatRange::map_ips) == 0) return chosen;
  if (range.min_address == range.max_address) return range.min_address;
  size_t const last = tuple.l3 == 4 ? 0 : 3;
  auto const destination = raw_words(tuple.dst);
  bool const persistent = (range.flags & NatRange::persistent) != 0;
  uint32_t hash = jhash2(raw_words(tuple.src), persistent ? 0 : destination[last] ^ tuple.zone);
  bool full = false;
  for (size_t i = 0; i <= last; ++i) {
    uint32_t const low = full ? 0 : load_be32(range.min_address.bytes.data() + 4 * i);
    uint32_t const high = load_be32(range.max_address.bytes.data() + 4 * i);
    uint32_t const distance = full ? ~0U : high - low + 1;
    store_be32(chosen.bytes.data() + 4 * i, low + static_cast<uint32_t>(uint64_t{hash} * distance >> 32));
    if (load_be32(chosen.bytes.data() + 4 * i) != high) full = true;
    if (!persistent) hash ^= destination[i];
  }
  return chosen;
}

struct Drawing {
  const OtherFlows& others;
  const Chance& chance;
  uint64_t number;
};

/// Asks of one port after the other.
class PortSearch {
 public:
  PortSearch(const OtherFlows& others, Part part) : others_(others), part_(part) {}
  [[nodiscard]] bool used(const Tuple& tuple, uint16_t port) noexcept {
    if (known_ == nullptr && (asked_ == 0 || asked_ == kLong))
      known_ = others_.known_ports(tuple, part_, asked_ == 0 ? OtherFlows::Search::begins : OtherFlows::Search::is_long);
    ++asked_;
    if (known_ == nullptr) return others_.used(tuple);
    if (!known_->knows(port)) known_->learn(port, others_.used(tuple));
    return known_->used(port);
  }

 private:
  const OtherFlows& others_;
  Part part_;
  uint32_t asked_ = 0;
  KnownPorts* known_ = nullptr;
};

/// The first port of the range that nobody uses, from where the kernel begins to look.
void find_port(Tuple& tuple, const NatRange& range, Part part, const Drawing& drawing) {
  if (!has_ports(tuple)) return;
  uint16_t& key = port_of(tuple, part);
  uint32_t low = range.min_port, size = uint32_t{range.max_port} - range.min_port + 1;
  if ((range.flags & NatRange::proto_specified) == 0) {
    if (tuple.is_icmp()) {
      low = 0;
      size = 65536;
    } else {
      if (part == Part::destination) return;  // a destination's port is not moved unasked
      uint16_t const now = from_network(key);
      low = now >= kLowestFree ? kLowestFree : now < kLowClass ? 1 : kMiddleClass;
      size = now >= kLowestFree ? 65536 - kLowestFree : now < kLowClass ? kLowClass - 1 : kLowestFree - kMiddleClass;
    }
  }
  bool const fully_random = (range.flags & (NatRange::proto_random | NatRange::proto_random_fully)) != 0;
  uint32_t offset = 0;
  if ((range.flags & NatRange::proto_offset) != 0) {
    offset = static_cast<uint16_t>(from_network(key) - range.base_port);
  } else if (fully_random || part == Part::source) {
    offset = static_cast<uint16_t>(drawing.chance(Chance::Purpose::nat_port, drawing.number));
  }
  uint32_t attempts = std::min(size, kAttempts);
  PortSearch search(drawing.others, part);
  for (uint64_t round = 1;; ++round) {
    for (uint32_t i = 0; i < attempts; ++i, ++offset) {
      auto const port = static_cast<uint16_t>(low + offset % size);
      key = to_network(port);
      if (!search.used(tuple, port)) return;
    }
    if (attempts >= size || attempts < kAttemptsLeast) return;
    attempts /= 2;
    offset = static_cast<uint16_t>(drawing.chance(Chance::Purpose::nat_port_again, drawing.number, round));
  }
}

}  // namespace

NatRange null_range(const Tuple& tuple) noexcept {
  NatRange range;
  range.flags = NatRange::map_ips;
  range.min_address = range.max_address = IpAddress{tuple.src, tuple.l3};
  return range;
}

bool in_range(const Tuple& tuple, const NatRange& range, Part part) noexcept {
  if ((range.flags & NatRange::map_ips) != 0) {
    const auto& bytes = address(tuple, part);
    if (bytes < range.min_address.bytes || bytes > range.max_address.bytes) return false;
  }
  return (range.flags & NatRange::proto_specified) == 0 || port_in(tuple, range, part);
}

Tuple tuple_in(const Tuple& original, const NatRange& range, Part part, const OtherFlows& others, const Chance& chance,
               uint64_t number) noexcept {
  bool const fully_random = (range.flags & (NatRange::proto_random | NatRange::proto_random_fully)) != 0;
  if (part == Part::source && !fully_random) {
    if (in_range(original, range, part)) {
      if (!others.used(original)) return original;
    } else {
      auto const known = others.mapped(original, range);
      if (known && !others.used(*known)) return *known;
    }
  }
  Tuple chosen = original;
  address(chosen, part) = address_in(original, range, part).bytes;
  if (!fully_random) {
    if ((range.flags & NatRange::proto_specified) != 0) {
      bool const one = range.min_port == range.max_port;
      if ((range.flags & NatRange::proto_offset) == 0 && port_in(chosen, range, part) && (one || !others.used(chosen)))
        return chosen;
    } else if (!others.used(chosen)) {
      return chosen;
    }
  }
  find_port(chosen, range, part, {others, chance, number});
  return chosen;
}

}  // namespace bulkhead::packet