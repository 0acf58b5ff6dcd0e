#include "common/ruleset/run/option.h"

#include <optional>

#include "common/base/bytes.h"
#include "common/packet/internet_checksum.h"
#include "common/ruleset/run/decide.h"
#include "common/ruleset/run/field.h"

namespace bulkhead::ruleset::run {
namespace {

/// Where it lies, in bytes from the network header, and how long it is.
struct Found {
  size_t at = 0, length = 0;
};

/// Into the register: the field, or whether it is there.
Next give(const Step& step, Evaluation& packet, const std::optional<Found>& found) {
  if (step.b != 0) {
    packet.registers[step.to] = found ? 1 : 0;
    return Next::step;
  }
  size_t const byte = step.offset / 8, bytes = (step.offset % 8 + step.bits + 7) / 8;
  if (!found || byte + bytes > found->length) return Next::rule;
  return load_bits(packet, found->at + byte, step.offset % 8, step.bits, packet.registers[step.to]) ? Next::step : Next::rule;
}

constexpr size_t kTcpMost = 60, kTcpLeast = 20, kIpv4Most = 60, kIpv4Least = 20, kIpv6 = 40;

/// `broken`: nobody can tell, since it, or what stands before it, is cut short.
std::optional<Found> find_tcp(const Evaluation& packet, uint8_t kind, size_t wanted, bool& broken) {
  std::array<uint8_t, kTcpMost> tcp;
  broken = true;
  if (packet.protocol != packet::protocol::tcp || packet.transport == Evaluation::kNone) return std::nullopt;
  if (!packet.copy(packet.transport, std::span(tcp).first(kTcpLeast))) return std::nullopt;
  size_t const length = size_t{tcp[12]} >> 4 << 2;
  if (length < kTcpLeast || !packet.copy(packet.transport, std::span(tcp).first(length))) return std::nullopt;
  for (size_t at = kTcpLeast; at + 1 < length;) {
    bool const single = tcp[at] <= 1 || tcp[at + 1] == 0;
    size_t const own = single ? 1 : tcp[at + 1];
    // One that is cut short ends the search, unless another is looked for.
    if (tcp[at] == kind && (at + own > length || wanted > own)) return std::nullopt;
    if (tcp[at] == kind) return Found{packet.transport + at, own};
    at += own;
  }
  broken = false;
  return std::nullopt;
}

namespace ip4 {
constexpr uint8_t kEnd = 0, kNop = 1, kRecordRoute = 7, kTimestamp = 68, kLoose = 131, kStrict = 137, kAlert = 148;

/// What the kernel refuses of an option makes it refuse all of them. `option`: up to the end of the header.
bool is_good(std::span<const uint8_t> option, size_t own, bool again) {
  switch (option[0]) {
    case kLoose:
    case kStrict: return !again && own >= 7 && option[2] == 4 && (own - 3) % 4 == 0;
    case kRecordRoute: return !again && own >= 3 && option[2] >= 4 && (option[2] > own || option[2] + 3U <= own);
    case kTimestamp: return !again && own >= 4 && option[2] >= 5;
    case kAlert: return own >= 4;
    default: return true;
  }
}

std::optional<Found> find(const Evaluation& packet, uint8_t kind) {
  std::array<uint8_t, kIpv4Most> ip;
  if (!packet.copy(0, std::span(ip).first(kIpv4Least))) return std::nullopt;
  size_t const length = (ip[0] & 15U) * size_t{4};
  if (length <= kIpv4Least || !packet.copy(0, std::span(ip).first(length))) return std::nullopt;
  std::optional<Found> found;
  bool route = false, record = false, stamp = false;
  for (size_t at = kIpv4Least; at < length && ip[at] != kEnd;) {
    if (ip[at] == kNop) {
      ++at;
      continue;
    }
    size_t const own = at + 1 < length ? ip[at + 1] : 0;
    bool& again = ip[at] == kRecordRoute ? record : ip[at] == kTimestamp ? stamp : route;
    if (own < 2 || at + own > length || !is_good(std::span(ip).subspan(at, length - at), own, again)) return std::nullopt;
    if (ip[at] == kLoose || ip[at] == kStrict || &again != &route) again = true;
    bool const counts = ip[at] != kAlert || load_be16(ip.data() + at + 2) == 0;
    if (ip[at] == kind && counts) found = Found{at, length - at};
    at += own;
  }
  return found;
}
}  // namespace ip4

std::optional<Found> find_ip6(const Evaluation& packet, uint8_t wanted) {
  size_t const end = std::max<size_t>(packet.frame.size(), packet.head_length);
  uint8_t next = packet.head[6];
  size_t at = kIpv6;
  for (;;) {
    if (next == packet::protocol::no_next) return std::nullopt;
    if (!packet::is_extension(next)) return next == wanted ? std::optional(Found{at, end - std::min(at, end)}) : std::nullopt;
    std::array<uint8_t, 4> header;
    if (!packet.copy(at, header)) return std::nullopt;
    if (next == wanted) return Found{at, end - std::min(at, end)};
    // Behind the header of a later fragment nobody knows what stands.
    if (next == packet::protocol::fragment && (load_be16(header.data() + 2) & 0xfff8) != 0) return std::nullopt;
    at += packet::extension_length(next, header.data());
    next = header[0];
  }
}

/// The first of its type: a field of it where all of the chunk is there. Linux nft_exthdr_sctp_eval.
std::optional<Found> find_sctp(const Evaluation& packet, uint8_t type, bool whole) {
  constexpr size_t kHeader = 12, kPadding = 4;
  if (packet.protocol != packet::protocol::sctp || packet.transport == Evaluation::kNone) return std::nullopt;
  for (size_t at = packet.transport + kHeader; at < packet.length;) {
    std::array<uint8_t, 4> chunk;
    if (!packet.copy(at, chunk)) return std::nullopt;
    size_t const length = load_be16(chunk.data() + 2);
    if (length == 0 || (chunk[0] == type && whole && at + length > packet.length)) return std::nullopt;
    if (chunk[0] == type) return Found{at, length};
    at += (length + kPadding - 1) / kPadding * kPadding;
  }
  return std::nullopt;
}

Next load_sctp(const Step& step, Evaluation& packet) noexcept {
  return give(step, packet, find_sctp(packet, static_cast<uint8_t>(step.a), step.b == 0));
}

Next load_tcp(const Step& step, Evaluation& packet) noexcept {
  size_t const wanted = step.b != 0 ? 1 : (step.offset % 8 + step.bits + 7U) / 8 + step.offset / 8;
  bool broken = false;
  return give(step, packet, find_tcp(packet, static_cast<uint8_t>(step.a), wanted, broken));
}

Next set_tcp(const Step& step, Evaluation& packet) noexcept {
  constexpr uint8_t kMaximumSegmentSize = 2;
  constexpr size_t kSum = 16;
  size_t const bytes = step.bits / 8, at = step.offset / 8;
  bool broken = false;
  auto const found = find_tcp(packet, static_cast<uint8_t>(step.a), at + bytes, broken);
  if (!found) return broken ? Next::rule : Next::step;
  if (found->at + at + bytes > packet.head_length) return Next::rule;
  uint8_t* const place = packet.head.data() + found->at + at;
  auto const value = static_cast<uint32_t>(packet.registers[step.to]);
  std::array<uint8_t, 4> before{}, after{};
  std::memcpy(before.data(), place, bytes);
  store_be32(after.data(), bytes == 4 ? value : value << 16);
  if (step.a == kMaximumSegmentSize && load_be16(before.data()) <= load_be16(after.data())) return Next::step;
  // As the kernel has it: words of the option, wherever it begins.
  uint8_t* const sum = packet.head.data() + packet.transport + kSum;
  for (size_t i = 0; i < bytes; i += 2)
    store_raw(sum, packet::checksum_changed(load_raw<uint16_t>(sum), load_raw<uint16_t>(before.data() + i), load_raw<uint16_t>(after.data() + i)));
  std::memcpy(place, after.data(), bytes);
  packet.edited = true;
  return Next::step;
}

/// Linux nft_exthdr_tcp_strip_eval.
Next strip_tcp(const Step& step, Evaluation& packet) noexcept {
  constexpr uint8_t kNop = 1;
  constexpr size_t kSum = 16;
  std::array<uint8_t, kTcpLeast> tcp;
  if (packet.protocol != packet::protocol::tcp || packet.transport == Evaluation::kNone || !packet.copy(packet.transport, tcp)) return Next::rule;
  size_t const length = size_t{tcp[12]} >> 4 << 2;
  if (length < kTcpLeast || packet.transport + length > packet.head_length) return Next::rule;
  uint8_t* const options = packet.head.data() + packet.transport;
  for (size_t at = kTcpLeast; at + 1 < length;) {
    size_t const own = options[at] <= kNop || options[at + 1] == 0 ? 1 : options[at + 1];
    if (options[at] != step.a) {
      at += own;
      continue;
    }
    if (at + own > length) return decide(packet, Decision::drop);
    for (size_t i = at; i < at + own; ++i) {
      std::array<uint8_t, 2> before{}, after{};
      before[i % 2] = std::exchange(options[i], kNop);
      after[i % 2] = kNop;
      store_raw(options + kSum, packet::checksum_changed(load_raw<uint16_t>(options + kSum), load_raw<uint16_t>(before.data()), load_raw<uint16_t>(after.data())));
    }
    packet.edited = true;
    break;
  }
  return Next::step;
}

Next load_ip4(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 4) return Next::rule;
  return give(step, packet, ip4::find(packet, static_cast<uint8_t>(step.a)));
}

Next load_ip6(const Step& step, Evaluation& packet) noexcept {
  if (packet.l3 != 6) return Next::rule;
  return give(step, packet, find_ip6(packet, static_cast<uint8_t>(step.a)));
}

}  // namespace

constinit const StepOperation tcp_option{.name = "tcp option", .run = load_tcp};
constinit const StepOperation set_tcp_option{.name = "set tcp option", .run = set_tcp, .edits = true};
constinit const StepOperation strip_tcp_option{.name = "strip tcp option", .run = strip_tcp, .edits = true};
constinit const StepOperation ip_option{.name = "ip option", .run = load_ip4};
constinit const StepOperation sctp_chunk{.name = "sctp chunk", .run = load_sctp};
constinit const StepOperation ip6_header{.name = "extension header", .run = load_ip6};

}  // namespace bulkhead::ruleset::run
