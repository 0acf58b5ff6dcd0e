#include "tests/bench/made_source.h"

#include <algorithm>

namespace bulkhead::test {
namespace {

constexpr uint64_t kFlows = 1024;
constexpr uint64_t kBegin = 1'700'000'000'000'000'000;
constexpr size_t kSourcePort = 34;  // offset in the frame

// Ethernet, IPv4 (50 bytes), UDP (30 bytes, no checksum), 22 bytes of payload.
constexpr std::array<uint8_t, 42> kHeaders{
    2,    0,    0,    0,  0,    2, 2, 0, 0, 0, 0,    1, 8,  0,                                         // Ethernet
    0x45, 0,    0,    50, 0,    0, 0, 0, 64, 17, 0xae, 0xb9, 10, 0, 0, 1, 192, 0, 2, 1,                // IPv4
    0,    0,    0,    53, 0,    30, 0, 0};                                                             // UDP

}  // namespace

MadeSource::MadeSource(uint64_t packets, const pktio::Position& from) : packets_(packets), position_(from), bytes_{} {
  std::copy(kHeaders.begin(), kHeaders.end(), bytes_.begin());
}

MadeSource::State MadeSource::peek(pktio::Arrival& arrival) {
  uint64_t const n = position_.packets;
  if (n >= packets_) return State::ended;
  uint64_t const port = 1024 + n % kFlows;
  bytes_[kSourcePort] = static_cast<uint8_t>(port >> 8);
  bytes_[kSourcePort + 1] = static_cast<uint8_t>(port);
  arrival = {kBegin + n * 1000, static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(bytes_.size()),
             bytes_.data(), n + 1};
  return State::ready;
}

}  // namespace bulkhead::test
