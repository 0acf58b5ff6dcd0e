#include "services/pktio/in/datagram.h"

#include <algorithm>
#include <array>

#include "common/packet/ip_header.h"

namespace bulkhead::pktio {
namespace {

constexpr uint32_t kMost = 65535;  // bytes: IPv4's total length, IPv6's payload length
using packet::ip_header::kIpv6;
constexpr uint8_t kCongested = 3;
constexpr uint8_t kContradiction = 0xff;

/// By the codepoints that there are among the fragments, a bit each: Not-ECT, ECT(1), ECT(0), CE. One that knows no ECN among
/// others that do is a contradiction.
constexpr std::array<uint8_t, 16> make_congestion() {
  constexpr unsigned not_ect = 1, ect = 6, ce = 8;
  std::array<uint8_t, 16> table{};
  for (unsigned seen = 0; seen < table.size(); ++seen) {
    if ((seen & not_ect) != 0 && seen != not_ect) table[seen] = kContradiction;
    else if ((seen & ce) != 0 && (seen & ect) != 0) table[seen] = kCongested;
  }
  return table;
}
constexpr std::array<uint8_t, 16> kCongestion = make_congestion();

}  // namespace

Datagram::Outcome Datagram::add(const packet::Fragment& fragment) {
  l3_ = fragment.key.l3;
  uint32_t const bytes = kept_of(fragment), end = fragment.offset + bytes;
  if (l3_ == 4) {
    if (!place4(fragment, end) || bytes == 0) return Outcome::spoilt;
  } else if (Outcome const placed = place6(fragment); placed != Outcome::held) {
    return placed;
  }
  if (Outcome const inserted = insert(fragment.offset, end); inserted != Outcome::held) return inserted;
  there_ += bytes;
  ecn_ |= fragment.ecn;
  uint32_t const size = l3_ == 4 ? bytes + fragment.header_length() : fragment.size;
  largest_ = std::max(largest_, size);
  if (fragment.dont_fragment) largest_whole_ = std::max(largest_whole_, size);
  if (fragment.offset == 0) {
    first_in_ = true;
    header_ = fragment.header_length() - (l3_ == 4 ? 0 : packet::ip_header::kFragment6);
  }
  if (!first_in_ || !last_in_ || there_ != length_) return Outcome::held;
  return is_sound() ? Outcome::whole : Outcome::spoilt;
}

/// False: it contradicts what others say of the datagram's end.
bool Datagram::place4(const packet::Fragment& fragment, uint32_t end) {
  if (!fragment.more) {
    if (end < length_ || (last_in_ && end != length_)) return false;
    last_in_ = true;
    length_ = end;
    return true;
  }
  if (end <= length_) return true;
  if (last_in_) return false;
  length_ = end;
  return true;
}

Datagram::Outcome Datagram::place6(const packet::Fragment& fragment) {
  uint32_t const end = fragment.end;
  if (end > kMost) return Outcome::refused;
  if (!fragment.more) {
    if (end < length_ || (last_in_ && end != length_)) return Outcome::refused;
    last_in_ = true;
    length_ = end;
  } else {
    if ((end & 7) != 0) return Outcome::passes;
    if (end > length_) {
      if (last_in_) return Outcome::refused;
      length_ = end;
    }
  }
  return end == fragment.offset ? Outcome::refused : Outcome::held;
}

Datagram::Outcome Datagram::insert(uint32_t begin, uint32_t end) {
  if (runs_.empty() || tail_end_ < end) {
    if (!runs_.empty() && begin < tail_end_) return Outcome::spoilt;
    if (!runs_.empty() && begin == tail_end_) runs_.back().end = end;
    else runs_.push_back({begin, end});
    tail_end_ = end;
    return Outcome::held;
  }
  auto const at = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return begin < run.end; });
  if (at != runs_.end() && end > at->begin)
    return at->begin <= begin && end <= at->end ? Outcome::duplicate : Outcome::spoilt;
  runs_.insert(at, {begin, end});
  return Outcome::held;
}

bool Datagram::is_sound() const {
  uint32_t const most = l3_ == 4 ? kMost : kMost + kIpv6;
  return kCongestion[ecn_ & 15] != kContradiction && header_ + length_ <= most;
}

uint8_t Datagram::congestion() const { return kCongestion[ecn_ & 15]; }

}  // namespace bulkhead::pktio
