#include "common/ruleset/run/edit.h"

#include "common/base/bytes.h"
#include "common/packet/internet_checksum.h"
#include "common/packet/ip_header.h"

namespace bulkhead::ruleset::run {
namespace {

constexpr size_t kSctpHeader = 12;
constexpr size_t kWordsMost = 18;  // bytes of a field of 16, and its neighbours within 16-bit words
using FieldBytes = std::array<uint8_t, kWordsMost>;

Number ones(unsigned bits) { return bits >= 128 ? ~Number{0} : (Number{1} << bits) - 1; }

/// `value` into `bits` from bit `offset` on.
void insert(std::span<uint8_t> into, unsigned offset, unsigned bits, Number value) {
  auto const behind = static_cast<int>(into.size() * 8 - offset - bits);
  for (size_t i = 0; i < into.size(); ++i) {
    int const low = static_cast<int>(8 * (into.size() - 1 - i)) - behind;  // of this byte, within the field
    auto const part = [low](Number number) {
      return static_cast<uint8_t>(low >= 128 ? 0 : low >= 0 ? number >> low : number << -low);
    };
    uint8_t const own = part(ones(bits));
    into[i] = static_cast<uint8_t>((into[i] & ~own) | (part(value) & own));
  }
}

/// Linux nft_csum_replace.
void change_sum(uint8_t* sum, const FieldBytes& before, const FieldBytes& after, size_t bytes) {
  uint16_t const folded = packet::checksum_changed(load_raw<uint16_t>(sum), std::span(before).first(bytes), after);
  store_raw(sum, folded == 0 ? uint16_t{0xffff} : folded);
}

/// Of the checksum that covers the pseudo-header; 0: there is none. nft_payload_l4csum_offset.
size_t pseudo_header_sum(const Evaluation& packet) {
  if (packet.transport == Evaluation::kNone) return 0;
  size_t const at = packet.transport;
  switch (packet.protocol) {
    case packet::protocol::tcp: return at + 16;
    case packet::protocol::udplite: return at + 6;
    case packet::protocol::icmpv6: return at + 2;
    case packet::protocol::udp: {
      std::array<uint8_t, 2> sum{};
      return packet.copy(at + 6, sum) && (sum[0] | sum[1]) != 0 ? at + 6 : 0;
    }
    default: return 0;
  }
}

/// Headers that lie further on than usual are drawn into head too. False: beyond the packet.
bool draw(Evaluation& packet, size_t end) {
  if (end <= packet.head_length) return true;
  if (end > std::min(packet.frame.size(), packet.head.size())) return false;
  std::ranges::copy(packet.frame.subspan(packet.head_length, end - packet.head_length), packet.head.begin() + packet.head_length);
  packet.head_length = static_cast<uint16_t>(end);
  return true;
}

}  // namespace

Next set_field(const Step& step, Evaluation& packet, size_t base) noexcept {
  constexpr size_t kSum = 2;
  size_t const own = step.a == 0 ? 0 : base + static_cast<size_t>(step.a);
  bool const sums = own != 0 || (step.b & kPseudoHeader) != 0;
  size_t const unit = sums ? 16 : 8;  // bits, as nft widens what a sum covers
  size_t const first = base + size_t{step.offset} / unit * unit / 8;
  size_t const bytes = (size_t{step.offset} % unit + step.bits + unit - 1) / unit * unit / 8;
  if (bytes > kWordsMost || !draw(packet, std::max(first + bytes, own == 0 ? 0 : own + kSum))) return Next::rule;
  size_t const pseudo = (step.b & kPseudoHeader) != 0 ? pseudo_header_sum(packet) : 0;
  uint8_t* const place = packet.head.data() + first;
  FieldBytes before{}, after{};
  std::memcpy(before.data(), place, bytes);
  after = before;
  insert(std::span(after).first(bytes), static_cast<unsigned>(step.offset % unit), step.bits, packet.registers[step.to]);
  packet.edited = true;
  if (own != 0) change_sum(packet.head.data() + own, before, after, bytes);
  // The kernel has changed the header's own checksum by then, and leaves it so.
  if (pseudo != 0 && !draw(packet, pseudo + kSum)) return Next::rule;
  if (pseudo != 0) change_sum(packet.head.data() + pseudo, before, after, bytes);
  std::memcpy(place, after.data(), bytes);
  packet.reads_anew = packet.reads_anew || (step.b & kReads) != 0;
  if ((step.b & kSctp) == 0) return Next::step;
  // The field has been set by then too.
  if (packet.protocol == packet::protocol::sctp && packet.transport + kSctpHeader > packet.frame.size()) return Next::rule;
  packet.renew_sctp = true;
  return Next::step;
}

/// Linux nft_set_pktinfo_ipv4 and _ipv6, which each base chain begins with.
void read_again(Evaluation& packet) noexcept {
  packet.reads_anew = false;
  if (packet.l3 != 4 && packet.l3 != 6) return;
  const uint8_t* const head = packet.head.data();
  size_t at = packet.l3 == 4 ? (head[0] & 15U) * size_t{4} : packet::ip_header::kIpv6;
  bool later = packet.l3 == 4 && packet::ip_header::is_later_fragment(head);
  packet.protocol = head[packet.l3 == 4 ? 9 : 6];
  while (packet.l3 == 6 && !later && packet.protocol != packet::protocol::ah && packet::is_extension(packet.protocol)) {
    std::array<uint8_t, 4> header;
    if (!packet.copy(at, header)) break;
    later = packet.protocol == packet::protocol::fragment && (load_be16(header.data() + 2) & 0xfff8) != 0;
    at += packet::extension_length(packet.protocol, header.data());
    packet.protocol = header[0];
  }
  packet.later_fragment6 = packet.l3 == 6 && later;
  packet.transport = !later && at <= packet.frame.size() ? static_cast<uint16_t>(at) : Evaluation::kNone;
}

constinit const StepOperation set_network_field{
    .name = "set network field",
    .run = [](const Step& step, Evaluation& packet) noexcept { return set_field(step, packet, 0); },
    .edits = true};
constinit const StepOperation set_transport_field{
    .name = "set transport field",
    .run = [](const Step& step, Evaluation& packet) noexcept {
      return packet.transport == Evaluation::kNone ? Next::rule : set_field(step, packet, packet.transport);
    },
    .edits = true};

}  // namespace bulkhead::ruleset::run
