// services/pktio/lanes/in_chain.h: packets that are in the chain, by the hash of their tuple; and when it pays to wait until
// none is.
//
// Who     judging.h counts those that enter, admission.h those that come home.
// Crash   nothing of it is shared: counts follow from the in-flight slots (resume()), and when a pause is made changes no byte.
#pragma once

#include <cstdint>
#include <vector>

#include "services/pktio/inflight.h"

namespace bulkhead::pktio {

class InChain {
 public:
  explicit InChain(uint64_t window) : window_(window), packets_(kHashes), pause_after_(window / 4) {}

  /// As the in-flight slot keeps it: not 0.
  [[nodiscard]] static uint32_t kept(uint64_t hash) { return static_cast<uint32_t>(hash) | 1U << 31; }

  /// After recovery: `home` < numbers <= `sent` are in the chain.
  void resume(InFlightTable& inflight, uint64_t home, uint64_t sent);

  void enters(uint32_t kept) noexcept { ++packets_[kept & (kHashes - 1)]; }
  void leaves(uint32_t kept) noexcept { --packets_[kept & (kHashes - 1)]; }
  [[nodiscard]] bool has(uint64_t hash) const noexcept { return packets_[kept(hash) & (kHashes - 1)] != 0; }

  /// A packet of a flow that has a lane, or could have had one, went into the chain since others of the flow were there.
  void missed() noexcept { ++missed_; }
  void went_by_lane() noexcept { ++gone_; }
  /// So many missed it that it pays to let all come home before more go in: a full chain would otherwise stay full of them.
  /// Seldom, where little has come of it.
  [[nodiscard]] bool pauses(uint64_t home, uint64_t sent) noexcept;

 private:
  static constexpr size_t kHashes = 32768;

  uint64_t window_;
  std::vector<uint16_t> packets_;
  uint64_t missed_ = 0, gone_ = 0;  // since the last pause
  uint64_t pause_after_;            // so many missed
};

}  // namespace bulkhead::pktio
