// common/packet/sctp_facts.h: what tracking wants of an SCTP packet: its tag, and its chunks as far as they change a state.
//
// Who     pktio takes them; they go on in the descriptor; conntrack reads them.
// Order   tags as they lie in the packet: they are only compared.
// Trust   any packet that parse() accepted is safe. Chunks that the capture cut off are not there.
// Room    13 chunks say what any number of them does, so none is lost: those that can change nothing more, whatever the
//         flow was before the packet, are not listed. Why they cannot: states only go forth, tags once become the packet's,
//         and INIT, INIT ACK, COOKIEs and SHUTDOWN COMPLETE do not stand behind others.
//           ABORT, SHUTDOWN, ERROR, COOKIE  matter once
//           SHUTDOWN ACK                    again behind a SHUTDOWN, which leads to a state that it ends
//           ABORT with T                    again behind a HEARTBEAT ACK, which may forget the other side's tag
//           HEARTBEAT, HEARTBEAT ACK        twice: the second one sees the tag that the first one took
//         (tests/unit/sctp_chunks_test.cc: from every state.)
// Source  RFC 9260 3; Linux: do_basic_checks(), sctp_new_state() in nf_conntrack_proto_sctp.c.
#pragma once

#include <span>

#include "common/packet/packet.h"

namespace bulkhead::packet {

enum class SctpChunk : uint8_t {  // the rows of the state table, then those of them with the T bit
  none,
  init,
  init_ack,
  abort,
  shutdown,
  shutdown_ack,
  error,
  cookie_echo,
  cookie_ack,
  shutdown_complete,
  heartbeat,
  heartbeat_ack,
  abort_t,
  shutdown_complete_t,
};

struct SctpFacts {
  static constexpr size_t kMostChunks = 15;
  // Bits of the last four of `chunks`.
  static constexpr unsigned kBad = 1;      // chunks that may not stand so, or none at all
  static constexpr unsigned kData = 2;     // DATA is among them
  static constexpr unsigned kOther = 4;    // and some that change no state
  static constexpr unsigned kNoInit = 8;   // INIT or INIT ACK is cut short

  uint32_t tag;
  uint32_t init_tag;  // of INIT or INIT ACK
  uint64_t chunks;    // SctpChunk, four bits each, the first lowest, without those that change nothing more

  [[nodiscard]] SctpChunk chunk(size_t i) const noexcept {
    return i < kMostChunks ? static_cast<SctpChunk>(chunks >> (4 * i) & 15) : SctpChunk::none;
  }
  [[nodiscard]] bool is(unsigned bit) const noexcept { return (chunks >> (4 * kMostChunks) & bit) != 0; }
  [[nodiscard]] bool has(SctpChunk wanted) const noexcept;
};
static_assert(sizeof(SctpFacts) == 16);

/// `headers`: of shape ip, SCTP.
[[nodiscard]] SctpFacts sctp_facts(std::span<const uint8_t> captured, const Headers& headers) noexcept;

}  // namespace bulkhead::packet