#include "services/pktio/out/cut.h"

#include <algorithm>
#include <utility>

#include "common/packet/ip_header.h"

namespace bulkhead::pktio {
namespace {

using packet::ip_header::kIpv4, packet::ip_header::kIpv6;
constexpr uint32_t kIpv6Least = 1280;
constexpr uint16_t kDontFragment = 0x4000, kMore = 0x2000, kOffset = 0x1fff;

/// Linux ip6_find_1stfragopt: what stands before the fragment header. 0: the headers do not fit the packet.
uint32_t unfragmentable(std::span<const uint8_t> packet, uint32_t& next_at) {
  uint32_t at = kIpv6;
  next_at = 6;
  for (bool routed = false;;) {
    uint8_t const next = packet[next_at];
    routed = routed || next == packet::protocol::routing;
    bool const repeated = next == packet::protocol::hop_by_hop || next == packet::protocol::routing || (next == packet::protocol::destination && !routed);
    if (!repeated) return at;
    if (at + 2 > packet.size()) return 0;
    next_at = at;
    at += packet::extension_length(next, packet.data() + at);
    if (at > packet.size()) return 0;
  }
}

/// Options that only the first fragment has become no-operations in the others (RFC 791 3.1: copied flag).
void blank_options(std::span<uint8_t> options) {
  constexpr uint8_t end = 0, nothing = 1, copied = 0x80;
  while (!options.empty() && options[0] != end) {
    if (options[0] == nothing) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    auto const option = options.first(options[1]);
    options = options.subspan(option.size());
    if ((option[0] & copied) == 0) std::ranges::fill(option, nothing);
  }
}

}  // namespace

size_t Cut::plan(const Whole& whole, uint32_t mtu, uint32_t id) {
  whole_ = whole;
  id_ = id;
  if (whole.link >= whole.frame.captured.size()) return 0;
  packet_ = whole.frame.captured.subspan(whole.link);
  length_ = whole.frame.wire - static_cast<uint32_t>(whole.link);
  uint8_t const l3 = packet::ip_header::version(packet_);
  if (length_ <= mtu && whole.largest == 0) return 0;
  return l3 == 4 ? plan4(mtu) : l3 == 6 ? plan6(mtu) : 0;
}

size_t Cut::plan4(uint32_t mtu) {
  header_ = static_cast<uint32_t>(packet::ip_header::length(packet_[0]));
  if (header_ < kIpv4 || header_ > packet_.size() || length_ <= header_) return 0;
  return divide((whole_.largest != 0 ? std::min(mtu, whole_.largest) : mtu) - header_);
}

size_t Cut::plan6(uint32_t mtu) {
  if (whole_.largest == 0 || (length_ <= mtu && length_ <= whole_.largest)) return 0;
  header_ = unfragmentable(packet_, next_at_);
  if (header_ == 0 || length_ <= header_) return 0;
  uint32_t const space = pieces6(whole_.largest, header_).payload;
  return space == 0 ? 0 : divide(space);
}

uint32_t Cut::repeated6(std::span<const uint8_t> packet) {
  uint32_t next_at = 0;
  return packet.size() < kIpv6 ? 0 : unfragmentable(packet, next_at);
}

Cut::Pieces Cut::pieces6(uint32_t largest, uint32_t repeated) {
  uint32_t const headers = repeated + packet::ip_header::kFragment6, limit = std::max(largest, kIpv6Least);
  return {headers, limit > headers ? (limit - headers) & ~7U : 0};
}

/// What had to lie in one piece has been taken from those behind the first (Linux __pskb_pull_tail).
void Cut::draw() {
  std::ranges::sort(pieces_, {}, &Piece::offset);
  if (pieces_.empty() || header_ + pieces_[0].bytes >= whole_.drawn) return;
  uint32_t const end = whole_.drawn - header_;
  pieces_[0].bytes = end;
  auto const rest = std::find_if(pieces_.begin() + 1, pieces_.end(), [&](const Piece& piece) { return piece.offset + piece.bytes > end; });
  pieces_.erase(pieces_.begin() + 1, rest);
  if (pieces_.size() == 1 || pieces_[1].offset >= end) return;
  pieces_[1].bytes -= end - pieces_[1].offset;
  pieces_[1].offset = end;
}

size_t Cut::divide(uint32_t space) {
  uint32_t const payload = length_ - header_;
  draw();
  uint32_t at = 0;
  as_it_came_ = pieces_.size() > 1;
  for (const Piece& piece : pieces_) {
    bool const last = &piece == &pieces_.back();
    as_it_came_ = as_it_came_ && piece.offset == at && piece.bytes <= space && (last || piece.bytes % 8 == 0);
    at += piece.bytes;
  }
  as_it_came_ = as_it_came_ && at == payload;
  if (as_it_came_) return pieces_.size();
  pieces_.clear();
  if (space < 8) return 0;
  for (at = 0; at < payload; at += pieces_.back().bytes)
    pieces_.push_back({at, payload - at <= space ? payload - at : space & ~7U, 0});
  return pieces_.size();
}

Frame Cut::piece(size_t which) {
  if (which >= pieces_.size()) return whole_.frame;
  const Piece& piece = pieces_[which];
  bool const ipv6 = packet_[0] >> 4 == 6;
  size_t const head = whole_.link + header_ + (ipv6 ? packet::ip_header::kFragment6 : 0);
  size_t const from = std::min<size_t>(packet_.size(), header_ + piece.offset);
  auto const there = packet_.subspan(from, std::min<size_t>(packet_.size() - from, piece.bytes));
  buffer_.resize(head + there.size());
  std::ranges::copy(whole_.frame.captured.first(whole_.link + header_), buffer_.begin());
  std::ranges::copy(there, buffer_.begin() + static_cast<ptrdiff_t>(head));
  auto const header = std::span(buffer_).subspan(whole_.link, head - whole_.link);
  if (ipv6) mend6(header, piece);
  else mend4(header, piece);
  return {buffer_, static_cast<uint32_t>(head) + piece.bytes};
}

void Cut::mend4(std::span<uint8_t> header, const Piece& piece) const {
  // It may be a fragment itself.
  uint16_t const was = load_be16(header.data() + 6);
  uint32_t const offset = (was & kOffset) * 8U + piece.offset;
  bool const more = header_ + piece.offset + piece.bytes < length_ || (was & kMore) != 0;
  // Linux leaves the flag out where it has kept the pieces.
  auto const flags = static_cast<uint16_t>((as_it_came_ ? 0 : was & kDontFragment) | (more ? kMore : 0));
  store_be16(header.data() + 2, static_cast<uint16_t>(header_ + piece.bytes));
  store_be16(header.data() + 6, static_cast<uint16_t>(flags | offset >> 3));
  if (offset != 0) blank_options(header.subspan(kIpv4));
  packet::ip_header::renew_checksum(header);
}

void Cut::mend6(std::span<uint8_t> header, const Piece& piece) const {
  bool const more = header_ + piece.offset + piece.bytes < length_;
  store_be16(header.data() + 4, static_cast<uint16_t>(header.size() - kIpv6 + piece.bytes));
  uint8_t* const fragment = header.data() + header_;
  fragment[0] = std::exchange(header[next_at_], packet::protocol::fragment);
  fragment[1] = 0;
  store_be16(fragment + 2, static_cast<uint16_t>(piece.offset | (more ? 1 : 0)));
  store_be32(fragment + 4, id_);
}

}  // namespace bulkhead::pktio
