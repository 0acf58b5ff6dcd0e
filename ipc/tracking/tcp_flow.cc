#include "ipc/tracking/tcp_flow.h"

namespace bulkhead::tracking {
namespace {

constexpr uint64_t two(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

constexpr uint64_t eight(const std::array<uint8_t, 8>& bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes.size(); ++i) word |= uint64_t{bytes[i]} << (8 * i);
  return word;
}
constexpr uint8_t byte(uint64_t word, unsigned i) { return static_cast<uint8_t>(word >> (8 * i)); }
constexpr uint32_t low(uint64_t word) { return static_cast<uint32_t>(word); }
constexpr uint32_t high(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

constexpr uint8_t kScaleMask = 0x0f;

}  // namespace

TcpFlow::Words pack(const TcpFlow& f) noexcept {
  auto const last = static_cast<uint32_t>(f.last_win | static_cast<uint32_t>(f.last_kind) << 16 |
                                          static_cast<uint32_t>(f.last_way) << 24);
  return {two(f.seen[0].end, f.seen[0].maxend),
          two(f.seen[0].maxwin, f.seen[0].maxack),
          two(f.seen[1].end, f.seen[1].maxend),
          two(f.seen[1].maxwin, f.seen[1].maxack),
          two(f.last_seq, f.last_ack),
          two(f.last_end, last),
          eight({f.seen[0].flags, f.seen[0].scale, f.seen[1].flags, f.seen[1].scale, f.last_flags, f.last_scale,
                 f.retransmitted, static_cast<uint8_t>(f.state)})};
}

TcpFlow unpack(const TcpFlow::Words& words) noexcept {
  TcpFlow f;
  for (unsigned way = 0; way < 2; ++way) {
    TcpSide& side = f.seen[way];
    side.end = low(words[2UL * way]);
    side.maxend = high(words[2UL * way]);
    side.maxwin = low(words[2UL * way + 1]);
    side.maxack = high(words[2UL * way + 1]);
    side.flags = byte(words[6], 2 * way);
    side.scale = byte(words[6], 2 * way + 1) & kScaleMask;
  }
  f.last_seq = low(words[4]);
  f.last_ack = high(words[4]);
  f.last_end = low(words[5]);
  f.last_win = static_cast<uint16_t>(words[5] >> 32);
  f.last_kind = static_cast<TcpKind>(byte(words[5], 6) % kTcpKinds);
  f.last_way = static_cast<chain::Direction>(byte(words[5], 7) & 1);
  f.last_flags = byte(words[6], 4);
  f.last_scale = byte(words[6], 5) & kScaleMask;
  f.retransmitted = byte(words[6], 6);
  f.state = static_cast<TcpState>(byte(words[6], 7));
  return f;
}

}  // namespace bulkhead::tracking