// services/pktio/in/datagram.h: which fragments make a datagram whole, and which spoil it, as the kernel has it.
//
// Who     reassembly.h. No bytes: only what fragments say of themselves.
// Same    its state follows from the fragments that were kept, in their order, and from told(): a successor asks them again.
// Source  Linux ip_frag_queue, ip_frag_reasm, nf_ct_frag6_queue, nf_ct_frag6_reasm, inet_frag_queue_insert;
//         RFC 5722 (overlaps), RFC 3168 5.3 (ECN).
#pragma once

#include <cstdint>
#include <vector>

#include "common/packet/fragment.h"

namespace bulkhead::pktio {

class Datagram {
 public:
  enum class Outcome : uint8_t {
    held,       // others lack
    whole,      // none lacks any more
    duplicate,  // not kept: all of it is there
    refused,    // IPv6: not kept; the others stay
    spoilt,     // it and all others are dropped
    passes,     // IPv6: the others are dropped; it goes on as it is
  };
  static constexpr uint64_t kSecond = 1'000'000'000;

  /// How long a datagram may lack a part, of packet time: net.ipv4.ipfrag_time, nf_conntrack_frag6_timeout.
  [[nodiscard]] static constexpr uint64_t patience_ns(uint8_t l3) { return (l3 == 4 ? 30 : 60) * kSecond; }

  Outcome add(const packet::Fragment& fragment);
  /// Bytes that are kept of its payload: IPv4 rounds those of all but the last one down.
  [[nodiscard]] static uint32_t kept_of(const packet::Fragment& fragment) {
    uint32_t const bytes = fragment.end - fragment.offset;
    return fragment.key.l3 == 4 && fragment.more ? bytes & ~7U : bytes;
  }
  /// Where it ends, as far as it has been told: this also changes by fragments that are not kept.
  [[nodiscard]] uint32_t told() const { return length_ << 1 | (last_in_ ? 1U : 0U); }
  void tell(uint32_t told) {
    length_ = told >> 1;
    last_in_ = (told & 1) != 0;
  }

  /// Of a whole one. Bytes of what fragments are parts of.
  [[nodiscard]] uint32_t payload() const { return length_; }
  /// Its largest fragment: IP header and payload; IPv6's with the fragment header.
  [[nodiscard]] uint32_t largest() const { return largest_; }
  /// IPv4: may not be cut into larger ones than came, and says so (Linux IPSKB_FRAG_PMTU).
  [[nodiscard]] bool dont_fragment() const { return largest_whole_ == largest_; }
  /// What routers have said of congestion, to be put into the datagram's codepoint.
  [[nodiscard]] uint8_t congestion() const;

 private:
  /// Bytes that came one behind the other. Within it a fragment is a duplicate; one that only overlaps spoils.
  struct Run {
    uint32_t begin, end;
  };
  [[nodiscard]] bool place4(const packet::Fragment& fragment, uint32_t end);
  [[nodiscard]] Outcome place6(const packet::Fragment& fragment);
  [[nodiscard]] Outcome insert(uint32_t begin, uint32_t end);
  [[nodiscard]] bool is_sound() const;

  std::vector<Run> runs_;       // by begin
  uint32_t tail_end_ = 0;       // of the last fragment
  uint32_t length_ = 0;
  uint32_t there_ = 0;          // bytes of it
  uint32_t largest_ = 0, largest_whole_ = 0;  // the latter of those with DF
  uint32_t header_ = 0;         // of the first fragment: all that stands before the payload, without a fragment header
  bool first_in_ = false, last_in_ = false;
  uint8_t l3_ = 0, ecn_ = 0;
};

}  // namespace bulkhead::pktio
