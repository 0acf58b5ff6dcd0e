// common/packet/fragment.h: what an IP fragment says of itself: which datagram it is of, and which part.
//
// Who     pktio asks it of each packet; its answer lies beside the fragment in shared memory, so it is a plain value.
// Units   bytes. Offsets named *_at: from the frame's first byte. `offset` and `end`: within the datagram's payload, which
//         is what stands behind IPv4's header, or IPv6's fragment header.
// Trust   any bytes are safe; of a capture that cut the fragment short, its headers were captured.
// Source  RFC 791, RFC 8200 4.5; Linux ip_frag_queue, nf_ct_frag6_gather, ipv6frag_thdr_truncated.
#pragma once

#include <optional>
#include <span>

#include "common/packet/packet.h"

namespace bulkhead::packet {

/// Fragments with the same one are parts of the same datagram.
struct FragmentKey {
  std::array<uint8_t, 16> src{};
  std::array<uint8_t, 16> dst{};
  uint32_t id = 0;        // host order
  uint16_t device = 0;    // IPv6 to a group or a link-local address: the interface it came by, plus 1
  uint8_t l3 = 0;         // 4 or 6
  uint8_t protocol = 0;   // IPv4
  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};
static_assert(sizeof(FragmentKey) == 40);

struct Fragment {
  FragmentKey key;
  uint32_t offset = 0, end = 0;   // end may be anything that a hostile header can say
  uint32_t l3_at = 0;
  uint32_t payload_at = 0;
  uint32_t next_header_at = 0;    // IPv6: the byte that names the fragment header
  uint32_t size = 0;              // of layer 3, IPv6's as its header says
  bool more = false;              // MF, M
  bool dont_fragment = false;     // IPv4
  bool broken = false;            // IPv6: the packet ends within the fragment header
  uint8_t ecn = 0;                // a bit for the codepoint that it has, RFC 3168 5.3

  [[nodiscard]] uint32_t header_length() const noexcept { return payload_at - l3_at; }
};

/// None: it is none, or one that the kernel's reassembly lets pass (a jumbogram's; IPv6's first one without all headers).
/// An IPv6 packet whose only fragment is the whole of it (RFC 6946) is one. `headers`: parse(captured, ...) and not to be
/// dropped below the transport; `device`: the interface it came by.
[[nodiscard]] std::optional<Fragment> fragment_of(std::span<const uint8_t> captured, const Headers& headers,
                                                  uint16_t device) noexcept;

/// Is fragment_of() to be asked at all? Cheap, for every packet.
[[nodiscard]] inline bool may_be_fragment(std::span<const uint8_t> captured, const Headers& headers) noexcept {
  if (headers.shape == Shape::fragment) return true;
  if (headers.tuple.l3 != 6) return false;
  return is_extension(captured[headers.l3_offset + 6U]);
}

}  // namespace bulkhead::packet