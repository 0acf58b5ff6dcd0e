// services/pktio/out/cut.h: a packet that is too large for the way, or came in pieces, leaves in pieces.
//
// Before  transmit.h, which has given it its link header. After: the sink.
// Who     compose.h. Pieces as they came, where they fit the way and none but the first was touched (Linux keeps the list of them,
//         and draws bytes to the front that it changes); otherwise as large as may be.
// Units   bytes; mtu and sizes are those of layer 3.
// Trust   the frame is one that transmit has made, or that came; a header that does not fit it: it stays in one piece.
// Source  Linux ip_finish_output, ip_do_fragment, ip_options_fragment, ip6_finish_output, ip6_fragment; RFC 791, RFC 8200 4.5.
#pragma once

#include <span>
#include <vector>

#include "services/pktio/out/sink.h"

namespace bulkhead::pktio {

class Cut {
 public:
  /// Of what stands behind the IP header; IPv6's behind what every fragment repeats.
  struct Piece {
    uint32_t offset, bytes;
    uint32_t came_as = 0;  // which fragment, as it is stored; 0: none
  };
  struct Whole {
    Frame frame;
    size_t link = 0;           // bytes of link header
    uint32_t largest = 0;      // fragment that it came in; 0: it came in one piece
    uint32_t drawn = 0;        // bytes of layer 3 that had to lie in one piece on the way
  };
  static constexpr uint32_t kNoLimit = ~0U;     // a bridge's way

  /// Bytes of headers that every piece of an IPv6 packet has before its fragment header (Linux ip6_find_1stfragopt). 0: they do not fit it.
  [[nodiscard]] static uint32_t repeated6(std::span<const uint8_t> packet);
  /// Pieces that something is cut into anew: headers of each at most, payload of each but the last at least.
  struct Pieces {
    uint32_t headers, payload;
  };
  /// IPv4: of `limit` bytes.
  [[nodiscard]] static constexpr Pieces pieces4(uint32_t limit) { return {60, limit < 68 ? 8 : (limit - 60) & ~7U}; }
  /// IPv6: of a datagram that came in fragments of `largest`. No payload: it is not cut.
  [[nodiscard]] static Pieces pieces6(uint32_t largest, uint32_t repeated);

  /// Where it was cut when it came, in any order, by add() after begin().
  void begin() { pieces_.clear(); }
  void add(Piece piece) { pieces_.push_back(piece); }
  /// How many pieces it leaves in; 0: as it is. `id`: of IPv6 fragments.
  [[nodiscard]] size_t plan(const Whole& whole, uint32_t mtu, uint32_t id);
  /// `which`: below plan()'s. Valid until the next call.
  [[nodiscard]] Frame piece(size_t which);
  /// Of those, in that order.
  [[nodiscard]] const Piece& part(size_t which) const { return pieces_[which]; }

 private:
  [[nodiscard]] size_t plan4(uint32_t mtu);
  [[nodiscard]] size_t plan6(uint32_t mtu);
  size_t divide(uint32_t space);
  void draw();
  void mend4(std::span<uint8_t> header, const Piece& piece) const;
  void mend6(std::span<uint8_t> header, const Piece& piece) const;

  Whole whole_;
  std::span<const uint8_t> packet_;  // of whole_
  uint32_t length_ = 0;              // of layer 3
  uint32_t header_ = 0;              // bytes that every piece repeats
  uint32_t next_at_ = 0;             // IPv6: the byte that will name the fragment header
  uint32_t id_ = 0;
  bool as_it_came_ = false;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> buffer_;
};

}  // namespace bulkhead::pktio
