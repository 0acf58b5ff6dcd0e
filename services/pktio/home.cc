#include "services/pktio/home.h"

#include <algorithm>

#include "common/packet/ip_header.h"
#include "services/pktio/verdict_line.h"

namespace bulkhead::pktio {
namespace {
constexpr uint64_t kFileHeader = 24, kRecordHeader = 16;  // bytes, of pcap
constexpr uint64_t kLinkMost = 20;  // bytes, of a link header
constexpr uint64_t kPacketMost = kLinkMost + 40 + 65535;  // of what may be cut
constexpr size_t kWordsToStore = 1024;  // that a batch changes at its end, receive.cc's too
constexpr uint64_t kLineMax = verdict_line_max + 2UL * 6 * 64 + 2 * kEndpointMost;
}  // namespace

struct Home::Pile : Bytes {
  Pile(state::Staging& staging_object, size_t index) : staging(staging_object), output(index) {}

  void append(std::span<const uint8_t> bytes) override {
    uint64_t const capacity = staging.header.capacity;
    while (!bytes.empty()) {
      uint64_t const at = length % capacity;
      size_t const part = std::min<size_t>(bytes.size(), capacity - at);
      memory::copy_in(staging.file(output) + at, bytes.data(), part);
      length += part;
      bytes = bytes.subspan(part);
    }
  }

  state::Staging& staging;
  size_t output;
  uint64_t length = 0;              // bytes in the staging
  uint64_t promised = 0;            // and those that the sink holds back
  std::unique_ptr<PcapSink> sink;   // none: verdicts.jsonl
  bool dirty = false;               // the sink may hold bytes back
};

Home::Home(const Objects& objects, Options options, const Topology& topology, Writer& writer)
    : state_(objects.state),
      inflight_(objects.inflight),
      reassembly_(objects.reassembly),
      lanes_(objects.lanes),
      pool_(objects.pool),
      staging_(objects.staging),
      answers_(objects.answers),
      edits_(objects.edits),
      translations_(objects.translations),
      options_(std::move(options)),
      transmit_(topology),
      chance_(options_.seed),
      writer_(writer),
      window_(objects.inflight.header.capacity),
      slots_window_(objects.answers.header.capacity),
      router_(topology.is_router()),
      staged_(writer.size()) {
  for (const auto& interface : topology.interfaces) {
    mtus_.push_back(interface.mtu);
    smallest_mtu_ = std::min(smallest_mtu_, interface.mtu);
  }
  size_t longest = 0;
  for (const std::string& rule : options_.rules) longest = std::max(longest, rule.size() + 16);
  line_.resize(kLineMax + longest);
}

Home::~Home() = default;

Status Home::resume(packet::LinkType link) {
  number_ = state_.home_number.load();
  large_ = state_.large_home.load();
  gathered_ = {};
  transmit_.set_link(link);
  piles_.clear();
  for (size_t output = 0; output < writer_.size(); ++output) {
    auto pile = std::make_unique<Pile>(staging_, output);
    pile->length = staged_[output] = state_.outputs[output].staged.load();
    if (output != options_.outputs.verdicts) {
      auto sink = PcapSink::open(*pile, link, pile->length == 0);
      if (!sink) return tl::unexpected(sink.error());
      pile->sink = std::move(*sink);
      pile->dirty = pile->length == 0;
    }
    pile->promised = pile->dirty ? kFileHeader : pile->length;
    piles_.push_back(std::move(pile));
  }
  return {};
}

Home::Load Home::load_of(const InFlight& slot) const {
  Load load{1, kRecordHeader + slot.captured};
  for (uint32_t name = slot.fragments; name != 0; name = reassembly_.next(name)) {
    ++load.lines;
    load.bytes += kRecordHeader + kLinkMost + reassembly_.stored(name).captured;
  }
  uint64_t const more = repeated(slot, load.lines - 1);
  if (more <= most_repeated()) load.bytes += more;
  return load;
}

uint64_t Home::repeated(const InFlight& slot, uint64_t came) const {
  uint32_t const limit = slot.largest_fragment != 0 ? std::min(slot.largest_fragment, smallest_mtu_) : smallest_mtu_;
  Cut::Pieces const pieces = slot.repeated != 0 ? Cut::pieces6(slot.largest_fragment, slot.repeated) : Cut::pieces4(limit);
  uint64_t const length = std::min<uint64_t>(slot.wire, kPacketMost);  // not what was captured of it: the rest makes pieces too
  bool const stays = pieces.payload == 0 || (came == 0 && length <= limit);
  if (stays) return 0;
  uint64_t const anew = (length - std::min<uint64_t>(length, slot.repeated)) / pieces.payload + 1;
  return std::max(anew, came) * (kRecordHeader + kLinkMost + pieces.headers);
}

uint64_t Home::most_repeated() const { return staging_.header.capacity / 8 * 3; }

bool Home::room(uint64_t number) const {
  InFlight slot;
  memory::copy_out(&slot, &inflight_.slots()[number & (window_ - 1)], sizeof slot);
  // A router's link header may be longer, and an answer may go out with the packet.
  uint64_t const own = router_ ? kRecordHeader + 2 * Transmit::kAnswerMost : 0;
  Load const load = load_of(slot);
  for (size_t output = 0; output < piles_.size(); ++output) {
    uint64_t const need = output == options_.outputs.verdicts ? load.lines * line_.size() : load.bytes + own;
    if (writer_.room(output, piles_[output]->promised) < need) return false;
  }
  return true;
}

bool Home::ready(chain::Inlet& in, uint64_t sent) const {
  if (number_ != sent && (is_laned(number_ + 1) || in.available() != 0) && room(number_ + 1)) return true;
  return std::any_of(piles_.begin(), piles_.end(), [](const auto& pile) { return pile->dirty; });
}

uint64_t Home::some(chain::Inlet& in, memory::Batch& batch, uint64_t most, uint64_t sent) {
  uint64_t const count = std::min(most, sent - number_);
  uint64_t in_ring = in.available(), done = 0;
  chain::Descriptor descriptor;
  InFlight slot;
  for (; done < count && room(number_ + 1) && batch.room() >= Lanes::kWordsToCome + kWordsToStore; ++done) {
    bool const laned = is_laned(number_ + 1);
    if (!laned && in_ring-- == 0) break;
    ++number_;
    memory::copy_out(&slot, &inflight_.slots()[number_ & (window_ - 1)], sizeof slot);
    next(in, slot, descriptor);
    if (slot.large != 0) ++large_;
    if (descriptor.number != number_) {
      ++corrupt_;
      descriptor.verdict = chain::Verdict::drop;
      descriptor.reason = chain::DropReason::bad_descriptor;
    }
    bool const good = slot.kind == chain::Kind::packet && packet(descriptor, slot);
    if (!laned) lanes_.came_home(descriptor, slot, good ? &translation_.what : nullptr, batch);
    if (slot.fragments_reason != chain::DropReason::none) spoilt(slot);
    if (slot.fragments != 0) reassembly_.give_back(slot.fragments, batch);
  }
  return done;
}

void Home::next(chain::Inlet& in, const InFlight& slot, chain::Descriptor& descriptor) {
  translation_ = {};
  if (slot.laned != 0) return lanes_.at_home(number_, descriptor, translation_);
  in.get(descriptor);
  in.advance();
  if ((descriptor.orders & chain::Orders::translated) != 0)
    memory::copy_out(&translation_, &translations_.slot(descriptor.number, slots_window_), sizeof translation_);
}

bool Home::packet(const chain::Descriptor& descriptor, const InFlight& slot) {
  frame_ = {pool_.at(slot.frame), slot.captured};
  bool const known = descriptor.out < options_.interfaces.size() && descriptor.verdict <= chain::Verdict::drop &&
                     descriptor.reason < chain::DropReason::count && descriptor.state <= chain::FlowState::related &&
                     take_translation(descriptor) && read_edit(descriptor);
  chain::Descriptor shown = descriptor;
  if (!known) {
    ++corrupt_;
    shown.verdict = chain::Verdict::drop;
    shown.reason = chain::DropReason::bad_descriptor;
    shown.state = chain::FlowState::invalid;
  }
  uint64_t const inputs = count_came(slot);
  gathered_.states[static_cast<size_t>(shown.state)] += inputs;
  if (shown.verdict == chain::Verdict::accept) {
    gathered_.accepted += inputs;
    accepted(shown, slot);
  } else {
    each_came(slot, [&](const Came& came) { dropped(shown.reason, came); });
    if ((shown.orders & chain::Orders::answered) != 0) answer(shown, frame_, slot.stamp_ns);
  }
  if (writes_lines()) each_came(slot, [&](const Came& came) { line(shown, came); });
  return known;
}

bool Home::writes_lines() const { return !options_.discard && options_.outputs.verdicts != control::Outputs::kNone; }

uint64_t Home::count_came(const InFlight& slot) const {
  if (slot.largest_fragment == 0) return 1;
  uint64_t count = 0;
  for (uint32_t name = slot.fragments; name != 0; name = reassembly_.next(name)) ++count;
  return count;
}

template <class Each>
void Home::each_fragment(uint32_t chain, Each each) {
  for (uint32_t name = chain; name != 0; name = reassembly_.next(name)) {
    StoredFragment const one = reassembly_.stored(name);
    fragment_.resize(one.captured);
    reassembly_.copy(name, 0, fragment_);
    each(Came{one.packet, one.stamp_ns, one.in, {fragment_, one.wire}});
  }
}

template <class Each>
void Home::each_came(const InFlight& slot, Each each) {
  if (slot.largest_fragment != 0) return each_fragment(slot.fragments, each);
  each(Came{slot.packet, slot.stamp_ns, slot.in, {{pool_.at(slot.frame), slot.captured}, slot.wire}});
}

void Home::spoilt(const InFlight& slot) {
  chain::Descriptor shown{};
  shown.verdict = chain::Verdict::drop;
  shown.reason = slot.fragments_reason;
  shown.state = chain::FlowState::invalid;
  each_fragment(slot.fragments, [&](const Came& came) {
    ++gathered_.states[static_cast<size_t>(shown.state)];
    dropped(shown.reason, came);
    if (writes_lines()) line(shown, came);
  });
}

bool Home::take_translation(const chain::Descriptor& descriptor) {
  rewriting_ = {};
  if ((descriptor.orders & chain::Orders::translated) == 0) return true;
  if (translation_.number == descriptor.number) return rewriting_ = translation_.what, true;
  translation_.number = 0;
  return false;
}

bool Home::read_edit(const chain::Descriptor& descriptor) {
  edited_reach_ = 0;
  if ((descriptor.orders & chain::Orders::edited) == 0) return true;
  const state::HeaderEdit& slot = edits_.slot(descriptor.number, slots_window_);
  state::HeaderEdit::About edit;
  memory::copy_out(&edit, &slot.about, sizeof edit);
  size_t const at = descriptor.l3_offset;
  if (edit.number != descriptor.number || at + edit.length > frame_.size()) return false;
  edited_.assign(frame_.begin(), frame_.end());
  auto const head = std::span(edited_).subspan(at, edit.length);
  memory::copy_out(head.data(), slot.head.data(), head.size());
  // IPv6 has its traffic class in that byte, IPv4 its header's length.
  uint8_t const l3 = packet::ip_header::version(head), shape = l3 == 4 ? 0xff : 0xf0;
  if (l3 == 0 || ((head[0] ^ frame_[at]) & shape) != 0) return false;
  for (uint32_t i = 0; i < edit.length; ++i)
    if (head[i] != frame_[at + i]) edited_reach_ = i + 1;
  frame_ = edited_;
  // The translation is in there, as rules knew it. Nat may have had to choose another port or address since.
  bool const renews = edit.renews_sctp != 0 || rewriting_.outer != 0;
  const packet::Tuple& to = rewriting_.to;
  if (to.src == edit.to.src && to.src_port == edit.to.src_port) rewriting_.outer &= static_cast<uint8_t>(~packet::Rewriting::source);
  if (to.dst == edit.to.dst && to.dst_port == edit.to.dst_port) rewriting_.outer &= static_cast<uint8_t>(~packet::Rewriting::destination);
  rewriting_.inner = 0;
  bool const sctp = descriptor.tuple.protocol == packet::protocol::sctp && descriptor.quote == chain::Quote::none;
  if (renews && sctp && descriptor.l4_offset > at && !packet::ip_header::is_later_fragment(head.data()))
    packet::renew_sctp_checksum(std::span(edited_).subspan(at), size_t{descriptor.l4_offset} - at);
  return true;
}

void Home::accepted(const chain::Descriptor& descriptor, const InFlight& slot) {
  Transmit::Frame frame{frame_, slot.wire, descriptor.l3_offset};
  const packet::Rewriting* const what = rewriting_.outer != 0 || rewriting_.inner != 0 ? &rewriting_ : nullptr;
  bool const local = router_ && (descriptor.orders & chain::Orders::local) != 0;
  if (!router_ || local) {
    Transmit::Frame const as_it_goes = what == nullptr ? frame : transmit_.translated(descriptor, frame, *what);
    return local ? put(options_.outputs.local, slot.stamp_ns, as_it_goes)
                 : leaves(descriptor.out, descriptor, slot, as_it_goes);
  }
  Transmit::Frame const routed = transmit_.routed(descriptor, frame.captured, frame.wire, what);
  if (!routed.captured.empty()) return leaves(descriptor.out, descriptor, slot, routed);
  ++corrupt_;
  put(options_.outputs.drops, slot.stamp_ns, frame);
}

void Home::leaves(size_t interface, const chain::Descriptor& descriptor, const InFlight& slot, const Transmit::Frame& frame) {
  uint32_t const mtu = router_ ? mtus_[interface] : Cut::kNoLimit;
  bool const fits = slot.largest_fragment == 0 && frame.wire <= mtu;
  if (fits || repeated(slot, count_came(slot)) > most_repeated()) return sent(interface, slot.stamp_ns, frame);
  cut_.begin();
  if (slot.largest_fragment != 0)
    for (uint32_t name = slot.fragments; name != 0; name = reassembly_.next(name)) {
      packet::Fragment const says = reassembly_.stored(name).says;
      cut_.add({says.offset, Datagram::kept_of(says)});
    }
  auto const id = static_cast<uint32_t>(chance_(Chance::Purpose::fragment_id, descriptor.number));
  size_t const pieces = cut_.plan({frame, frame.link, slot.largest_fragment, drawn(descriptor)}, mtu, id);
  if (pieces == 0) sent(interface, slot.stamp_ns, frame);
  for (size_t i = 0; i < pieces; ++i) sent(interface, slot.stamp_ns, cut_.piece(i));
}

/// Linux skb_ensure_writable and pskb_may_pull: of what NAT rewrites, of an SCTP packet that is verified, of a TCP packet that might be for
/// a socket (tcp_v4_early_demux), of what rules set.
uint32_t Home::drawn(const chain::Descriptor& descriptor) const {
  constexpr uint32_t kTcp = 20, kSctp = 12, kPorts = 8, kIcmp = 8;
  uint32_t const l4 = descriptor.l4_offset - std::min(descriptor.l4_offset, descriptor.l3_offset);
  uint8_t const number = descriptor.tuple.protocol;
  uint32_t const header = number == packet::protocol::tcp ? kTcp : number == packet::protocol::sctp ? kSctp : kPorts;
  uint32_t most = edited_reach_;
  // Of more than there is nothing is drawn.
  auto const need = [&](uint32_t bytes) { most = bytes > descriptor.l3_length ? most : std::max(most, bytes); };
  bool const translates = translation_.number != 0 && (translation_.what.outer | translation_.what.inner) != 0;
  if (descriptor.quote == chain::Quote::quoted && translates)
    need(l4 + kIcmp + static_cast<uint32_t>(descriptor.tuple.l3 == 4 ? packet::ip_header::kIpv4 : packet::ip_header::kIpv6) + header);
  else if (translates || (number == packet::protocol::sctp && descriptor.state != chain::FlowState::untracked) || (number == packet::protocol::tcp && router_))
    need(l4 + header);
  if (translates && descriptor.quote == chain::Quote::none) need(l4 + kPorts);
  return most;
}

void Home::dropped(chain::DropReason reason, const Came& came) {
  ++gathered_.dropped;
  ++gathered_.drops[static_cast<size_t>(reason)];
  put(options_.outputs.drops, came.stamp_ns, came.frame);
}

void Home::answer(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint64_t stamp_ns) {
  state::Answer answer;
  memory::copy_out(&answer, &answers_.slot(descriptor.number, slots_window_), sizeof answer);
  Transmit::Frame const said = transmit_.answer(answer, descriptor, frame);
  if (said.captured.empty()) return void(++corrupt_);
  sent(answer.out, stamp_ns, said);
}

void Home::sent(size_t interface, uint64_t stamp_ns, const Transmit::Frame& frame) {
  ++gathered_.packets[interface];
  gathered_.bytes[interface] += frame.wire;
  put(interface, stamp_ns, frame);
}

void Home::put(size_t output, uint64_t stamp_ns, const Transmit::Frame& frame) {
  if (options_.discard) return;
  Pile& pile = *piles_[output];
  auto const captured = static_cast<uint32_t>(frame.captured.size());
  pile.sink->packet(stamp_ns, captured, frame.wire, frame.captured.data());
  pile.promised += kRecordHeader + captured;
  pile.dirty = true;
}

void Home::line(const chain::Descriptor& descriptor, const Came& came) {
  bool const passed = descriptor.verdict == chain::Verdict::accept;
  bool const here = (descriptor.orders & chain::Orders::local) != 0;
  bool const by_rule = descriptor.rule != 0 && descriptor.rule <= options_.rules.size();
  VerdictLine line{};
  line.n = came.packet;
  line.in = options_.interfaces[came.in];
  line.stamp_ns = came.stamp_ns;
  line.verdict = passed ? "accept" : (descriptor.orders & chain::Orders::rejected) != 0 ? "reject" : "drop";
  if (passed) line.out = here ? "local" : std::string_view(options_.interfaces[descriptor.out]);
  if (!passed && !by_rule) line.reason = chain::name_of(descriptor.reason);
  if (by_rule && (passed || descriptor.reason == chain::DropReason::rule)) line.rule = options_.rules[descriptor.rule - 1];
  if (!passed && by_rule && descriptor.reason != chain::DropReason::rule) line.reason = chain::name_of(descriptor.reason);
  line.state = chain::name_of(descriptor.state);
  std::array<char, kEndpointMost> source, destination;
  if (passed && translation_.number != 0) {
    const packet::Rewriting& what = translation_.what;
    if ((what.outer & packet::Rewriting::source) != 0) line.nat_source = endpoint(source, what.to, packet::Part::source);
    if ((what.outer & packet::Rewriting::destination) != 0) line.nat_destination = endpoint(destination, what.to, packet::Part::destination);
  }
  size_t const bytes = format_verdict_line(line_, line);
  Pile& pile = *piles_[options_.outputs.verdicts];
  pile.append({reinterpret_cast<const uint8_t*>(line_.data()), bytes});
  pile.promised = pile.length;
}

void Home::store(memory::Batch& batch) {
  const auto add = [&](memory::Word<uint64_t>& word, uint64_t more) {
    if (more != 0) batch.add(word, more);
  };
  batch.set(state_.home_number, number_);
  if (state_.large_home.load() != large_) batch.set(state_.large_home, large_);
  add(state_.accepted, gathered_.accepted);
  add(state_.dropped, gathered_.dropped);
  if (gathered_.dropped != 0)
    for (size_t i = 0; i < gathered_.drops.size(); ++i) add(state_.drops[i], gathered_.drops[i]);
  for (size_t i = 0; i < gathered_.states.size(); ++i) add(state_.states[i], gathered_.states[i]);
  for (size_t i = 0; i < options_.interfaces.size(); ++i) {
    add(state_.interfaces[i].out_packets, gathered_.packets[i]);
    add(state_.interfaces[i].out_bytes, gathered_.bytes[i]);
  }
  for (size_t output = 0; output < piles_.size(); ++output) {
    Pile& pile = *piles_[output];
    if (pile.dirty) static_cast<void>(pile.sink->flush());  // cannot fail: a Pile takes everything
    pile.dirty = false;
    if (pile.length == staged_[output]) continue;
    batch.set(state_.outputs[output].staged, pile.length);
    staged_[output] = pile.length;
  }
  gathered_ = {};
}

}  // namespace bulkhead::pktio
