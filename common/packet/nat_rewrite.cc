#include "common/packet/nat_rewrite.h"

#include "common/packet/checksum.h"
#include "common/packet/internet_checksum.h"
#include "common/packet/ip_header.h"

namespace bulkhead::packet {
namespace {

constexpr size_t kIcmp = 8;

/// A checksum field and whether an all-zero result must not be written (RFC 768).
struct Sum {
  uint8_t* at;  // null: none
  bool never_zero = false;

  void changed(const uint8_t* before, const uint8_t* after, size_t bytes) const {
    if (at == nullptr) return;
    uint16_t const folded = checksum_changed(load_raw<uint16_t>(at), std::span(before, bytes), std::span(after, bytes));
    store_raw(at, folded == 0 && never_zero ? uint16_t{0xffff} : folded);
  }
};

class Rewriter {
 public:
  Rewriter(std::span<uint8_t> packet, bool v4, uint8_t protocol, size_t transport)
      : packet_(packet), v4_(v4), protocol_(protocol), transport_(transport) {}

  void parts(uint8_t parts, const Tuple& to) {
    find_sums();
    if ((parts & Rewriting::source) != 0) {
      address(v4_ ? 12 : 8, to.src);
      port(0, to.src_port);
    }
    if ((parts & Rewriting::destination) != 0) {
      address(v4_ ? 16 : 24, to.dst);
      port(2, to.dst_port);
    }
  }
  [[nodiscard]] uint8_t* icmp_sum() const { return room(transport_, 4) ? packet_.data() + transport_ + 2 : nullptr; }

 private:
  [[nodiscard]] bool room(size_t at, size_t bytes) const { return transport_ != 0 && at + bytes <= packet_.size(); }
  [[nodiscard]] bool is_icmp() const { return protocol_ == protocol::icmp || protocol_ == protocol::icmpv6; }
  [[nodiscard]] bool has_ports() const {
    return rewritten_bytes(protocol_) != 0 && !is_icmp() && protocol_ != protocol::gre;
  }

  void find_sums() {
    uint8_t* const l4 = packet_.data() + transport_;
    switch (protocol_) {
      case protocol::tcp:
        if (room(transport_, 20)) transport_sum_ = {l4 + 16};
        break;
      case protocol::udp:
        if (room(transport_, 8) && load_raw<uint16_t>(l4 + 6) != 0) transport_sum_ = {l4 + 6, true};
        break;
      case protocol::udplite:
        if (room(transport_, 8)) transport_sum_ = {l4 + 6, true};
        break;
      case protocol::icmp:
      case protocol::icmpv6:
        if (room(transport_, 4)) transport_sum_ = {l4 + 2};
        break;
      default: break;
    }
  }

  void address(size_t at, const std::array<uint8_t, 16>& to) {
    size_t const bytes = v4_ ? 4 : 16;
    std::array<uint8_t, 16> before;
    std::memcpy(before.data(), packet_.data() + at, bytes);
    std::memcpy(packet_.data() + at, to.data(), bytes);
    if (v4_) Sum{packet_.data() + 10}.changed(before.data(), to.data(), bytes);
    // ICMP of IPv4 has no pseudo-header.
    if (protocol_ != protocol::icmp) transport_sum_.changed(before.data(), to.data(), bytes);
  }

  /// `to`: in network order. ICMP has its identifier on both sides; an error's rest is no identifier.
  void port(size_t at, uint16_t to) {
    if (is_icmp()) {
      if (at != 0 || !is_query()) return;
      at = 4;
    } else if (!has_ports()) {
      return;
    }
    if (!room(transport_ + at, 2)) return;
    uint8_t* const place = packet_.data() + transport_ + at;
    auto const before = load_raw<uint16_t>(place);
    store_raw(place, to);
    transport_sum_.changed(reinterpret_cast<const uint8_t*>(&before), place, 2);
  }

  /// Echo, timestamp, information, address mask: messages with an identifier.
  [[nodiscard]] bool is_query() const {
    if (!room(transport_, kIcmp)) return false;
    uint8_t const type = packet_[transport_];
    if (protocol_ == protocol::icmpv6) return type == 128 || type == 129;
    return type == 0 || type == 8 || (type >= 13 && type <= 18);
  }

  std::span<uint8_t> packet_;
  bool v4_;
  uint8_t protocol_;
  size_t transport_;
  Sum transport_sum_{nullptr};
};

/// The quoted packet, and the sum of the message around it. Its version is that of what quotes it, whatever it says.
void rewrite_quoted(std::span<uint8_t> packet, uint8_t* outer_sum, size_t at, const Rewriting& what) {
  if (at >= packet.size()) return;
  auto const inner = packet.subspan(at);
  bool const v4 = packet[0] >> 4 == 4;
  size_t const header = v4 ? (inner[0] & 15U) * size_t{4} : ip_header::kIpv6;
  if (inner.size() < (v4 ? 20U : 40U)) return;
  bool const later = v4 && (load_be16(inner.data() + 6) & 0x1fff) != 0;
  uint8_t const inner_protocol = what.inner_to.protocol;
  std::array<uint8_t, 128> before;
  size_t const seen = std::min(inner.size() & ~size_t{1}, before.size());
  std::memcpy(before.data(), inner.data(), seen);
  Rewriter(inner, v4, inner_protocol, later || header >= inner.size() ? 0 : header).parts(what.inner, what.inner_to);
  Sum{outer_sum}.changed(before.data(), inner.data(), seen);
}

}  // namespace

void renew_sctp_checksum(std::span<uint8_t> packet, size_t transport) noexcept {
  constexpr size_t kHeader = 12, kSum = 8;
  size_t const length = packet[0] >> 4 == 4 ? load_be16(packet.data() + 2) : 40U + load_be16(packet.data() + 4);
  if (transport == 0 || length > packet.size() || transport + kHeader > length) return;
  uint32_t const sum = sctp_checksum(packet.subspan(transport, length - transport));
  for (size_t i = 0; i < 4; ++i) packet[transport + kSum + i] = static_cast<uint8_t>(sum >> 8 * i);
}

void rewrite(std::span<uint8_t> packet, uint8_t protocol, size_t transport, const Rewriting& what) noexcept {
  if (packet.size() < (packet.empty() || packet[0] >> 4 != 4 ? 40U : 20U)) return;
  Rewriter outer(packet, packet[0] >> 4 == 4, protocol, transport);
  outer.parts(what.outer, what.to);
  if (protocol == protocol::sctp && what.outer != 0) renew_sctp_checksum(packet, transport);
  if (what.inner != 0 && transport != 0) rewrite_quoted(packet, outer.icmp_sum(), transport + kIcmp, what);
}

}  // namespace bulkhead::packet