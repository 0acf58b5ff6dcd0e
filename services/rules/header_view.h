// services/rules/header_view.h: what rules reads of a packet's own bytes.
//
// Trust   offsets come from a descriptor: of() checks them against the frame before it reads anything.
#pragma once

#include <optional>
#include <span>

#include "common/base/address.h"
#include "ipc/chain/descriptor.h"
#include "ipc/chain/pool.h"

namespace bulkhead::rules {

struct HeaderView {
  IpAddress source, destination;
  IpAddress asked;      // the destination as it came, whatever it has been translated to since
  uint32_t length = 0;  // bytes of layer 3
  uint32_t largest_fragment = 0;  // that it came in; 0: it came in one piece
  uint8_t hops = 0;     // TTL or hop limit
  uint8_t protocol = 0;
  bool dont_fragment = false;
  bool later_fragment = false;
  bool to_group = false;        // by its link-layer address
  bool is_icmp_error = false;   // or one that nobody knows, or that ends before its type
  bool super_frame = false;     // offloading made it of several that fitted the way

  /// None: not IP, or the descriptor does not fit the frame.
  [[nodiscard]] static std::optional<HeaderView> of(const chain::Descriptor& descriptor,
                                                    std::span<const uint8_t> frame) noexcept;
  /// What the IP header says, which rules may have changed.
  void read(const uint8_t* ip) noexcept;
};

/// IPv4's.
[[nodiscard]] inline bool has_options(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept {
  constexpr uint8_t kNone = 0x45;
  bool const ip = descriptor.shape != packet::Shape::not_ip && descriptor.l3_offset < frame.size();
  return ip && frame[descriptor.l3_offset] >> 4 == 4 && frame[descriptor.l3_offset] > kNone;
}

/// The captured bytes of a descriptor; empty if it points outside the pool.
[[nodiscard]] inline std::span<const uint8_t> frame_of(const chain::Descriptor& descriptor, const chain::Pool& pool,
                                                       size_t pool_bytes) noexcept {
  const uint8_t* bytes = pool.frame(descriptor.frame, descriptor.captured, pool_bytes);
  return bytes == nullptr ? std::span<const uint8_t>{} : std::span(bytes, descriptor.captured);
}

}  // namespace bulkhead::rules
