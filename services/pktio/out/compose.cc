#include "services/pktio/out/compose.h"

#include <algorithm>

#include "common/packet/ip_header.h"

namespace bulkhead::pktio {
namespace {

constexpr uint64_t kCutMost = Composer::kLinkMost + 40 + 65535;  // bytes, of what may be cut

}  // namespace

Composer::Composer(const Objects& objects, const Topology& topology, uint64_t seed, const Sink& sink)
    : objects_(objects),
      sink_(sink),
      transmit_(topology),
      chance_(seed),
      copies_window_(objects.copies.header.capacity),
      window_(objects.answers.header.capacity),
      router_(topology.is_router()) {
  for (const auto& interface : topology.interfaces) {
    mtus_.push_back(interface.mtu);
    smallest_mtu_ = std::min(smallest_mtu_, interface.mtu);
  }
}

Sink::Load Composer::pieces_of(const InFlight& slot, uint64_t came) const {
  uint32_t const limit = slot.largest_fragment != 0 ? std::min(slot.largest_fragment, smallest_mtu_) : smallest_mtu_;
  Cut::Pieces const pieces = slot.repeated != 0 ? Cut::pieces6(slot.largest_fragment, slot.repeated) : Cut::pieces4(limit);
  uint64_t const length = std::min<uint64_t>(slot.wire, kCutMost);  // not what was captured of it: the rest makes pieces too
  bool const stays = pieces.payload == 0 || (came == 0 && length <= limit);
  if (stays) return {};
  uint64_t const anew = (length - std::min<uint64_t>(length, slot.repeated)) / pieces.payload + 1;
  uint64_t const frames = std::max(anew, came);
  return {frames, frames * (kLinkMost + pieces.headers), 0};
}

void Composer::read_translation(const chain::Descriptor& descriptor, state::NatEdit& translation) const {
  if ((descriptor.orders & chain::Orders::translated) == 0) return;
  memory::copy_out(&translation, &objects_.translations.slot(descriptor.number, window_), sizeof translation);
}

void Composer::begin(const InFlight& slot) {
  slot_ = &slot;
  frame_ = {objects_.pool.at(slot.frame), slot.captured};
}

bool Composer::apply(const chain::Descriptor& descriptor, const state::NatEdit& translation) {
  return take_translation(descriptor, translation) && take_edit(descriptor);
}

bool Composer::take_translation(const chain::Descriptor& descriptor, const state::NatEdit& translation) {
  rewriting_ = {};
  translates_ = false;
  if ((descriptor.orders & chain::Orders::translated) == 0) return true;
  if (translation.number != descriptor.number) return false;
  rewriting_ = translation.what;
  translates_ = rewriting() != nullptr;
  return true;
}

bool Composer::take_edit(const chain::Descriptor& descriptor) {
  edited_reach_ = 0;
  if ((descriptor.orders & chain::Orders::edited) == 0) return true;
  const state::HeaderEdit& slot = objects_.edits.slot(descriptor.number, window_);
  state::HeaderEdit::About edit;
  memory::copy_out(&edit, &slot.about, sizeof edit);
  size_t const at = descriptor.l3_offset;
  if (edit.number != descriptor.number || at + edit.length > frame_.size()) return false;
  edited_.assign(frame_.begin(), frame_.end());
  auto const head = std::span(edited_).subspan(at, edit.length);
  memory::copy_out(head.data(), slot.head.data(), head.size());
  // IPv6 has its traffic class in that byte, IPv4 its header's length.
  uint8_t const l3 = packet::ip_header::version(head), fixed = l3 == 4 ? 0xff : 0xf0;
  if (l3 == 0 || ((head[0] ^ frame_[at]) & fixed) != 0) return false;
  mend_edited(descriptor, edit);
  frame_ = edited_;
  return true;
}

void Composer::mend_edited(const chain::Descriptor& descriptor, const state::HeaderEdit::About& edit) {
  size_t const at = descriptor.l3_offset;
  for (uint32_t i = 0; i < edit.length; ++i)
    if (edited_[at + i] != frame_[at + i]) edited_reach_ = i + 1;
  // The translation is in there, as rules knew it. Nat may have had to choose another port or address since.
  bool const renews = edit.renews_sctp != 0 || rewriting_.outer != 0;
  const packet::Tuple& to = rewriting_.to;
  if (to.src == edit.to.src && to.src_port == edit.to.src_port) rewriting_.outer &= static_cast<uint8_t>(~packet::Rewriting::source);
  if (to.dst == edit.to.dst && to.dst_port == edit.to.dst_port) rewriting_.outer &= static_cast<uint8_t>(~packet::Rewriting::destination);
  rewriting_.inner = 0;
  bool const sctp = descriptor.tuple.protocol == packet::protocol::sctp && descriptor.quote == chain::Quote::none;
  if (renews && sctp && descriptor.l4_offset > at && !packet::ip_header::is_later_fragment(edited_.data() + at))
    packet::renew_sctp_checksum(std::span(edited_).subspan(at), size_t{descriptor.l4_offset} - at);
}

Frame Composer::as_it_came(const chain::Descriptor& descriptor) {
  Frame const frame = unrouted(descriptor);
  const packet::Rewriting* const what = rewriting();
  return what == nullptr ? frame : transmit_.translated(descriptor, frame, *what);
}

bool Composer::fits(const chain::Descriptor& descriptor, uint32_t mtu) const {
  bool const super_frame = (descriptor.facts & chain::Facts::super_frame) != 0;
  return slot_->largest_fragment == 0 && (super_frame || whole_.wire <= mtu);
}

size_t Composer::leave(const chain::Descriptor& descriptor, uint64_t came) {
  pieces_ = 0;
  whole_ = router_ ? transmit_.routed(descriptor, frame_, slot_->wire, rewriting()) : as_it_came(descriptor);
  if (router_ && whole_.captured.empty()) return 0;
  uint32_t const mtu = router_ ? mtus_[descriptor.out] : Cut::kNoLimit;
  if (!fits(descriptor, mtu) && sink_.may_take(pieces_of(*slot_, came))) cut(descriptor, mtu, Cuts::as_it_came);
  return std::max<size_t>(pieces_, 1);
}

state::Copies::About Composer::copies_of(uint64_t number) const {
  state::Copies::About about;
  memory::copy_out(&about, &objects_.copies.slot(number, copies_window_).about, sizeof about);
  if (about.number != number || about.count > state::Copies::kMost) return {};
  return about;
}

uint32_t Composer::count_of_copies(uint64_t number) const {
  struct {
    uint64_t number;
    uint32_t count;
  } there;
  memory::copy_out(&there, &objects_.copies.slot(number, copies_window_).about, offsetof(state::Copies::About, lost));
  return there.number == number && there.count <= state::Copies::kMost ? there.count : 0;
}

size_t Composer::leave_copy(const chain::Descriptor& descriptor, const state::Copy& copy) {
  pieces_ = 0;
  if (size_t{copy.from} + copy.length > state::Copies::kBytes || (copy.alone != 0 && copy.length > state::kAnswerMost)) return 0;
  headers_.resize(copy.length);
  memory::copy_out(headers_.data(), objects_.copies.slot(descriptor.number, copies_window_).bytes.data() + copy.from, headers_.size());
  whole_ = transmit_.copied(copy, headers_, descriptor, {{objects_.pool.at(slot_->frame), slot_->captured}, slot_->wire});
  if (whole_.captured.empty()) return 0;
  if (copy.link != state::Copy::Link::made || copy.alone != 0 || fits(descriptor, mtus_[copy.device])) return 1;
  cut(descriptor, mtus_[copy.device], copy.anew != 0 ? Cuts::anew : Cuts::as_it_came);
  return std::max<size_t>(pieces_, 1);
}

Frame Composer::frame(size_t which) {
  if (pieces_ == 0) return whole_;
  Frame const frame = cut_.piece(which);
  const Cut::Piece& piece = cut_.part(which);
  return frame.captured.size() < frame.wire && piece.came_as != 0 ? with_own_bytes(frame, piece) : frame;
}

/// The whole ends where the capture cut off a fragment; those behind keep what was captured of them.
Frame Composer::with_own_bytes(const Frame& frame, const Cut::Piece& piece) {
  StoredFragment const one = objects_.reassembly.stored(piece.came_as);
  size_t const headers = frame.wire - piece.bytes, had = frame.captured.size() - std::min(headers, frame.captured.size());
  size_t const there = one.captured - std::min<size_t>(one.captured, one.says.payload_at);
  size_t const from = piece.offset - std::min(piece.offset, one.says.offset) + had, end = std::min<size_t>(there, from - had + piece.bytes);
  if (frame.captured.size() < headers || end <= from) return frame;
  filled_.assign(frame.captured.begin(), frame.captured.end());
  filled_.resize(frame.captured.size() + end - from);
  objects_.reassembly.copy(piece.came_as, one.says.payload_at + from, std::span(filled_).subspan(frame.captured.size()));
  return {filled_, frame.wire};
}

void Composer::cut(const chain::Descriptor& descriptor, uint32_t mtu, Cuts how) {
  cut_.begin();
  if (slot_->largest_fragment != 0 && how == Cuts::as_it_came)
    for (uint32_t name = slot_->fragments; name != 0; name = objects_.reassembly.next(name)) {
      packet::Fragment const says = objects_.reassembly.stored(name).says;
      cut_.add({says.offset, Datagram::kept_of(says), name});
    }
  auto const id = static_cast<uint32_t>(chance_(Chance::Purpose::fragment_id, descriptor.number));
  pieces_ = cut_.plan({whole_, whole_.link, slot_->largest_fragment, drawn(descriptor)}, mtu, id);
}

/// Linux skb_ensure_writable and pskb_may_pull: of what NAT rewrites, of an SCTP packet that is verified, of a TCP packet that might be for
/// a socket (tcp_v4_early_demux), of what rules set.
uint32_t Composer::drawn(const chain::Descriptor& descriptor) const {
  constexpr uint32_t kTcp = 20, kSctp = 12, kPorts = 8, kIcmp = 8;
  uint32_t const l4 = descriptor.l4_offset - std::min(descriptor.l4_offset, descriptor.l3_offset);
  uint8_t const number = descriptor.tuple.protocol;
  uint32_t const header = number == packet::protocol::tcp ? kTcp : number == packet::protocol::sctp ? kSctp : kPorts;
  uint32_t most = edited_reach_;
  // Of more than there is nothing is drawn.
  auto const need = [&](uint32_t bytes) { most = bytes > descriptor.l3_length ? most : std::max(most, bytes); };
  if (descriptor.quote == chain::Quote::quoted && translates_)
    need(l4 + kIcmp + static_cast<uint32_t>(descriptor.tuple.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6) + header);
  else if (translates_ || (number == packet::protocol::sctp && descriptor.state != chain::FlowState::untracked) || (number == packet::protocol::tcp && router_))
    need(l4 + header);
  if (translates_ && descriptor.quote == chain::Quote::none) need(l4 + kPorts);
  return most;
}

Composer::Said Composer::answer(const chain::Descriptor& descriptor) {
  state::Answer answer;
  memory::copy_out(&answer, &objects_.answers.slot(descriptor.number, window_), sizeof answer);
  return {answer.out, transmit_.answer(answer, descriptor, frame_)};
}

}  // namespace bulkhead::pktio
