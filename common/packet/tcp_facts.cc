#include "common/packet/tcp_facts.h"

#include <algorithm>

namespace bulkhead::packet {
namespace {

constexpr uint8_t kEnd = 0, kNothing = 1, kWindowScale = 3, kSackPermitted = 4, kSack = 5;
constexpr uint8_t kSyn = 2;

/// Calls `take(kind, content)` for each whole option until it says false.
template <class Take>
void each_option(std::span<const uint8_t> rest, Take take) noexcept {
  while (!rest.empty()) {
    uint8_t const kind = rest[0];
    if (kind == kEnd) return;
    if (kind == kNothing) {
      rest = rest.subspan(1);
      continue;
    }
    if (rest.size() < 2 || rest[1] < 2 || rest[1] > rest.size()) return;
    if (!take(kind, rest.subspan(2, rest[1] - 2U))) return;
    rest = rest.subspan(rest[1]);
  }
}

uint8_t syn_options(std::span<const uint8_t> options) noexcept {
  uint8_t found = 0;
  each_option(options, [&](uint8_t kind, std::span<const uint8_t> content) {
    if (kind == kSackPermitted && content.empty()) found |= TcpFacts::kSackPermitted;
    if (kind == kWindowScale && content.size() == 1)
      found = static_cast<uint8_t>((found & ~TcpFacts::kScale) | TcpFacts::kHasScale |
                                   std::min(content[0], TcpFacts::kMostScale));
    return true;
  });
  return found;
}

uint32_t highest_sack(std::span<const uint8_t> options, uint32_t ack) noexcept {
  uint32_t highest = ack;
  each_option(options, [&](uint8_t kind, std::span<const uint8_t> content) {
    if (kind != kSack || content.empty() || content.size() % 8 != 0) return true;
    for (size_t at = 0; at < content.size(); at += 8) {
      uint32_t const edge = load_be32(content.data() + at + 4);
      if (static_cast<int32_t>(edge - highest) > 0) highest = edge;
    }
    return false;
  });
  return highest;
}

}  // namespace

TcpFacts tcp_facts(std::span<const uint8_t> captured, const Headers& headers) noexcept {
  const uint8_t* tcp = captured.data() + headers.l4_offset;
  TcpFacts facts{.seq = load_be32(tcp + 4),
                 .ack = load_be32(tcp + 8),
                 .sack = 0,
                 .window = load_be16(tcp + 14),
                 .header_bytes = static_cast<uint8_t>((tcp[12] >> 4) * 4),
                 .options = 0};
  facts.sack = facts.ack;
  size_t const end = std::min<size_t>(captured.size(), size_t{headers.l4_offset} + facts.header_bytes);
  size_t const begin = size_t{headers.l4_offset} + 20;
  if (end <= begin) return facts;
  std::span<const uint8_t> const options = captured.subspan(begin, end - begin);
  if ((tcp[13] & kSyn) != 0) facts.options = syn_options(options);
  facts.sack = highest_sack(options, facts.ack);
  return facts;
}

}  // namespace bulkhead::packet