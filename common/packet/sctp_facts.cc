#include "common/packet/sctp_facts.h"

#include <algorithm>

namespace bulkhead::packet {
namespace {

constexpr uint32_t kHeader = 12, kChunkHeader = 4, kInitHeader = 16;
constexpr uint8_t kTagReflected = 1;  // the T bit

SctpChunk chunk_of(uint8_t type, uint8_t flags) noexcept {
  bool const reflected = (flags & kTagReflected) != 0;
  switch (type) {
    case 1: return SctpChunk::init;
    case 2: return SctpChunk::init_ack;
    case 4: return SctpChunk::heartbeat;
    case 5: return SctpChunk::heartbeat_ack;
    case 6: return reflected ? SctpChunk::abort_t : SctpChunk::abort;
    case 7: return SctpChunk::shutdown;
    case 8: return SctpChunk::shutdown_ack;
    case 9: return SctpChunk::error;
    case 10: return SctpChunk::cookie_echo;
    case 11: return SctpChunk::cookie_ack;
    case 14: return reflected ? SctpChunk::shutdown_complete_t : SctpChunk::shutdown_complete;
    default: return SctpChunk::none;
  }
}

/// Gathers chunk after chunk.
class Chunks {
 public:
  void take(SctpChunk chunk, uint8_t type, uint32_t length) noexcept {
    alone_ = alone_ || chunk == SctpChunk::init || chunk == SctpChunk::init_ack ||
             chunk == SctpChunk::shutdown_complete || chunk == SctpChunk::shutdown_complete_t;
    bool const first = chunk == SctpChunk::cookie_ack || chunk == SctpChunk::cookie_echo || alone_;
    if ((first && count_ != 0) || length == 0) bits_ |= SctpFacts::kBad;
    ++count_;
    if (chunk == SctpChunk::none) {
      bits_ |= type == 0 ? SctpFacts::kData | SctpFacts::kOther : SctpFacts::kOther;
      return;
    }
    if ((spent_ & bit(chunk)) == 0) list(chunk);
  }
  void no_init() noexcept { bits_ |= SctpFacts::kNoInit; }
  [[nodiscard]] bool bad() const noexcept { return (bits_ & SctpFacts::kBad) != 0; }
  [[nodiscard]] uint64_t word() const noexcept {
    unsigned const bits = bits_ | (count_ == 0 ? SctpFacts::kBad : 0);
    return chunks_ | uint64_t{bits} << (4 * SctpFacts::kMostChunks);
  }

 private:
  static constexpr unsigned bit(SctpChunk chunk) noexcept { return 1U << static_cast<unsigned>(chunk); }

  void list(SctpChunk chunk) noexcept {
    constexpr unsigned kTwice = bit(SctpChunk::heartbeat) | bit(SctpChunk::heartbeat_ack);
    chunks_ |= static_cast<uint64_t>(chunk) << (4 * listed_++);
    if ((bit(chunk) & kTwice & ~once_) == 0) spent_ |= bit(chunk);
    once_ |= bit(chunk);
    if (chunk == SctpChunk::shutdown) spent_ &= ~bit(SctpChunk::shutdown_ack);
    if (chunk == SctpChunk::heartbeat_ack) spent_ &= ~bit(SctpChunk::abort_t);
  }

  uint64_t chunks_ = 0;
  size_t listed_ = 0;
  size_t count_ = 0;
  unsigned bits_ = 0;
  unsigned once_ = 0, spent_ = 0;  // bit(): was listed; changes nothing more
  bool alone_ = false;
};

}  // namespace

bool SctpFacts::has(SctpChunk wanted) const noexcept {
  for (size_t i = 0; chunk(i) != SctpChunk::none; ++i)
    if (chunk(i) == wanted) return true;
  return false;
}

SctpFacts sctp_facts(std::span<const uint8_t> captured, const Headers& headers) noexcept {
  std::span<const uint8_t> const l4 = captured.subspan(
      headers.l4_offset, std::min<size_t>(captured.size() - headers.l4_offset, headers.l4_length()));
  SctpFacts facts{.tag = load_raw<uint32_t>(l4.data() + 4), .init_tag = 0, .chunks = 0};
  Chunks chunks;
  for (size_t at = kHeader; at + kChunkHeader <= l4.size() && !chunks.bad();) {
    const uint8_t* chunk = l4.data() + at;
    uint32_t const length = load_be16(chunk + 2);
    SctpChunk const kind = chunk_of(chunk[0], chunk[1]);
    chunks.take(kind, chunk[0], length);
    if (kind == SctpChunk::init || kind == SctpChunk::init_ack) {
      if (at + kChunkHeader + kInitHeader <= l4.size()) facts.init_tag = load_raw<uint32_t>(chunk + kChunkHeader);
      else chunks.no_init();
    }
    at += (length + 3) & ~3U;
  }
  facts.chunks = chunks.word();
  return facts;
}

}  // namespace bulkhead::packet