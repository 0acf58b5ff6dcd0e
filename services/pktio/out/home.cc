#include "services/pktio/out/home.h"

#include <algorithm>

namespace bulkhead::pktio {
namespace {

constexpr size_t kWordsToStore = 1024;  // that a batch changes at its end, receive.cc's too

}  // namespace

Home::Home(const Objects& objects, const control::Settings& settings, Sink& sink)
    : state_(objects.state),
      inflight_(objects.inflight),
      reassembly_(objects.reassembly),
      asked_(links_in(objects.state).asked),
      lanes_(objects.lanes),
      sink_(sink),
      inputs_(objects.reassembly, objects.pool),
      composer_({objects.reassembly, objects.pool, objects.answers, objects.edits, objects.copies, objects.translations}, settings.topology, settings.seed, sink),
      report_(settings),
      interfaces_(settings.interfaces.size()),
      window_(objects.inflight.header.capacity),
      router_(settings.topology.is_router()) {}

void Home::resume(packet::LinkType link) {
  number_ = state_.home_number.load();
  large_ = state_.large_home.load();
  gathered_ = {};
  composer_.set_link(link);
}

Sink::Load Home::load_of_copies(const InFlight& slot, uint32_t copies) const {
  if (copies == 0) return {};
  Sink::Load each = composer_.pieces_of(slot, slot.largest_fragment != 0 ? inputs_.count(slot) : 0);
  each.frames += 1;
  each.bytes += (router_ ? std::max<uint64_t>(slot.captured, Transmit::kAnswerMost) : slot.captured) + 2 * Composer::kLinkMost;  // a router's answer may be copied
  return {copies * each.frames, copies * each.bytes, 0};
}

Sink::Load Home::load_of(const InFlight& slot) const {
  Sink::Load load{1, slot.captured, report_.most()};
  uint64_t came = 0;
  for (uint32_t name = slot.fragments; name != 0; name = reassembly_.next(name)) {
    ++came;
    load.bytes += Composer::kLinkMost + reassembly_.stored(name).captured;
  }
  load.frames += came;
  load.line_bytes += came * report_.most();
  if (Sink::Load const pieces = composer_.pieces_of(slot, came); sink_.may_take(pieces)) {
    load.frames += pieces.frames;
    load.bytes += pieces.bytes;
  }
  if (!router_) return load;
  // A router's link header may be longer, and an answer may go out with the packet.
  load.frames += 1;
  load.bytes += 2 * Transmit::kAnswerMost;
  return load;
}

bool Home::room(uint64_t number, uint32_t& copies) const {
  InFlight slot;
  memory::copy_out(&slot, &slot_of(number), sizeof slot);
  copies = composer_.count_of_copies(number);
  Sink::Load all = load_of_copies(slot, copies);
  if (!sink_.may_take(all)) {
    copies = 0;
    all = {};
  }
  Sink::Load const own = load_of(slot);
  return sink_.room({own.frames + all.frames, own.bytes + all.bytes, own.line_bytes});
}

bool Home::ready(chain::Inlet& in, uint64_t sent) const {
  uint32_t copies = 0;
  if (number_ != sent && (is_laned(number_ + 1) || in.available() != 0) && room(number_ + 1, copies)) return true;
  return sink_.unsaved();
}

uint64_t Home::some(chain::Inlet& in, memory::Batch& batch, uint64_t most, uint64_t sent) {
  uint64_t const count = std::min(most, sent - number_);
  uint64_t in_ring = in.available(), done = 0;
  chain::Descriptor descriptor;
  InFlight slot;
  for (; done < count && room(number_ + 1, copies_) && batch.room() >= Lanes::kWordsToCome + kWordsToStore; ++done) {
    bool const laned = is_laned(number_ + 1);
    if (!laned && in_ring-- == 0) break;
    ++number_;
    memory::copy_out(&slot, &slot_of(number_), sizeof slot);
    next(in, slot, descriptor);
    if (slot.large != 0) ++large_;
    if (descriptor.number != number_) {
      ++corrupt_;
      descriptor.verdict = chain::Verdict::drop;
      descriptor.reason = chain::DropReason::bad_descriptor;
    }
    bool const good = slot.kind == chain::Kind::packet && packet(descriptor, slot);
    if (slot.kind == chain::Kind::piece) piece(descriptor, slot, batch);
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
  composer_.read_translation(descriptor, translation_);
}

bool Home::is_plausible(const chain::Descriptor& descriptor) const {
  return descriptor.out < interfaces_ && descriptor.verdict <= chain::Verdict::drop && descriptor.reason < chain::DropReason::count &&
         descriptor.state <= chain::FlowState::related;
}

bool Home::packet(const chain::Descriptor& descriptor, const InFlight& slot) {
  composer_.begin(slot);
  bool const known = is_plausible(descriptor) && composer_.apply(descriptor, translation_);
  chain::Descriptor shown = descriptor;
  if (!known) {
    ++corrupt_;
    shown.verdict = chain::Verdict::drop;
    shown.reason = chain::DropReason::bad_descriptor;
    shown.state = chain::FlowState::invalid;
  }
  uint64_t const inputs = inputs_.count(slot);
  gathered_.states[static_cast<size_t>(shown.state)] += inputs;
  send_copies(shown, slot);
  if (shown.verdict == chain::Verdict::accept) accepted(shown, slot, inputs);
  else refused(shown, slot);
  if (!sink_.wants_lines()) return known;
  const packet::Rewriting* const what = translation_.number != 0 ? &translation_.what : nullptr;
  inputs_.each(slot, [&](const Input& input) { sink_.line(report_.line(shown, input, what)); });
  return known;
}

/// What chains before reassembly say of a fragment: receive goes on by that.
void Home::piece(const chain::Descriptor& descriptor, const InFlight& slot, memory::Batch& batch) {
  using Asked = FragmentLinks::Asked;
  bool const passes = is_plausible(descriptor) && descriptor.verdict == chain::Verdict::accept;
  batch.set(asked_.answer, passes ? uint32_t{Asked::passes} : uint32_t{Asked::dropped});
  batch.set(asked_.mark, descriptor.mark);
  if (!passes) return static_cast<void>(packet(descriptor, slot));
  composer_.begin(slot);
  send_copies(descriptor, slot);
}

/// Before the packet itself, as the kernel sends them.
void Home::send_copies(const chain::Descriptor& descriptor, const InFlight& slot) {
  if ((descriptor.facts & chain::Facts::copied) == 0) return;
  state::Copies::About const all = composer_.copies_of(descriptor.number);
  uint32_t const count = std::min(all.count, copies_);
  gathered_.copies_lost += uint64_t{all.lost} + all.count - count;
  for (const state::Copy& copy : std::span(all.copies).first(count)) {
    size_t const frames = copy.out < interfaces_ ? composer_.leave_copy(descriptor, copy) : 0;
    if (frames == 0) ++corrupt_;
    else if (copy.itself == 0) ++gathered_.copies;
    for (size_t i = 0; i < frames; ++i) sent(copy.out, slot.stamp_ns, composer_.frame(i));
  }
}

void Home::accepted(const chain::Descriptor& descriptor, const InFlight& slot, uint64_t inputs) {
  gathered_.accepted += inputs;
  bool const local = router_ && (descriptor.orders & chain::Orders::local) != 0;
  if (local) return sink_.local(slot.stamp_ns, composer_.as_it_came(descriptor));
  size_t const frames = composer_.leave(descriptor, inputs);
  for (size_t i = 0; i < frames; ++i) sent(descriptor.out, slot.stamp_ns, composer_.frame(i));
  if (frames != 0) return;
  ++corrupt_;
  sink_.dropped(slot.stamp_ns, composer_.unrouted(descriptor));
}

void Home::refused(const chain::Descriptor& descriptor, const InFlight& slot) {
  if (descriptor.reason == chain::DropReason::forwarded) {
    gathered_.accepted += inputs_.count(slot);
    gathered_.forwarded += inputs_.count(slot);
    return;
  }
  inputs_.each(slot, [&](const Input& input) { dropped(descriptor.reason, input); });
  if ((descriptor.orders & chain::Orders::answered) == 0) return;
  Composer::Said const said = composer_.answer(descriptor);
  if (said.frame.captured.empty()) return void(++corrupt_);
  sent(said.out, slot.stamp_ns, said.frame);
}

void Home::spoilt(const InFlight& slot) {
  chain::Descriptor shown{};
  shown.verdict = chain::Verdict::drop;
  shown.reason = slot.fragments_reason;
  shown.state = chain::FlowState::invalid;
  inputs_.each_fragment(slot.fragments, [&](const Input& input) {
    ++gathered_.states[static_cast<size_t>(shown.state)];
    dropped(shown.reason, input);
    if (sink_.wants_lines()) sink_.line(report_.line(shown, input, nullptr));
  });
}

void Home::dropped(chain::DropReason reason, const Input& input) {
  ++gathered_.dropped;
  ++gathered_.drops[static_cast<size_t>(reason)];
  sink_.dropped(input.stamp_ns, input.frame);
}

void Home::sent(size_t interface, uint64_t stamp_ns, const Frame& frame) {
  ++gathered_.packets[interface];
  gathered_.bytes[interface] += frame.wire;
  sink_.leaves(interface, stamp_ns, frame);
}

void Home::store(memory::Batch& batch) {
  const auto add = [&](memory::Word<uint64_t>& word, uint64_t more) {
    if (more != 0) batch.add(word, more);
  };
  batch.set(state_.home_number, number_);
  if (state_.large_home.load() != large_) batch.set(state_.large_home, large_);
  add(state_.accepted, gathered_.accepted);
  add(state_.dropped, gathered_.dropped);
  add(state_.forwarded, gathered_.forwarded);
  add(state_.copies, gathered_.copies);
  add(state_.copies_lost, gathered_.copies_lost);
  if (gathered_.dropped != 0)
    for (size_t i = 0; i < gathered_.drops.size(); ++i) add(state_.drops[i], gathered_.drops[i]);
  for (size_t i = 0; i < gathered_.states.size(); ++i) add(state_.states[i], gathered_.states[i]);
  for (size_t i = 0; i < interfaces_; ++i) {
    add(state_.interfaces[i].out_packets, gathered_.packets[i]);
    add(state_.interfaces[i].out_bytes, gathered_.bytes[i]);
  }
  sink_.store(batch);
  gathered_ = {};
}

}  // namespace bulkhead::pktio
