// services/rules/say.cc: what the firewall itself says about a packet, of decide.h: whether, from where, and its own way through the hooks.
#include "common/packet/ip_header.h"
#include "services/rules/decide.h"
#include "services/rules/see.h"

namespace bulkhead::rules {
namespace {

/// Of answers: what is said to the router's own address goes round by lo, and nobody outside hears it.
constexpr uint16_t kSelf = 0xffff;
constexpr uint16_t kLoopbackType = 772;    // ARPHRD_LOOPBACK

/// The answer does not leave.
void withdraw(chain::Descriptor& descriptor) { descriptor.orders &= static_cast<uint8_t>(~chain::Orders::answered); }

}  // namespace

void Decide::reset(chain::Descriptor& descriptor, const HeaderView& packet) noexcept {
  constexpr uint8_t kRst = 4;
  uint16_t const back = router_->routes.number_to(packet.source, descriptor.in);
  const Way& way = router_->routes.way(back);
  bool const tcp = descriptor.shape == packet::Shape::ip && packet.protocol == packet::protocol::tcp;
  bool const to_self = way.kind == Way::Kind::local || way.kind == Way::Kind::anycast;
  if (!tcp || (descriptor.tcp_flags & kRst) != 0 || packet.to_group || (way.kind != Way::Kind::unicast && !to_self)) return;
  state::Answer said{};
  said.number = descriptor.number;
  said.kind = state::Answer::Kind::tcp_reset;
  said.out = to_self ? kSelf : way.device;
  said.way = back;
  said.source = packet.asked;
  say(descriptor, said);
  said_from_ = packet.destination;
  descriptor.facts |= chain::Facts::reset;
}

std::span<const uint8_t> Decide::refused(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept {
  auto const packet = frame.subspan(std::min<size_t>(descriptor.l3_offset, frame.size()));
  if ((descriptor.orders & chain::Orders::edited) == 0) return packet;
  auto const all = std::span(*refused_).first(std::min(packet.size(), refused_->size()));
  std::ranges::copy(packet.first(all.size()), all.begin());
  std::ranges::copy(std::span(edit_->head).first(std::min<size_t>(edit_->about.length, all.size())), all.begin());
  return all;
}

bool Decide::translate_said(const chain::Descriptor& descriptor, const state::FlowNow& flow) noexcept {
  state::BindingView const binding = state::binding_of(objects_.nat.state, flow.flow, flow.generation);
  chain::Quote const quote = said_.kind == state::Answer::Kind::icmp ? chain::Quote::quoted : chain::Quote::none;
  said_.what = binding.translates() ? state::rewriting_of(binding, flow.direction, quote) : packet::Rewriting{};
  if ((said_.what.outer & packet::Rewriting::destination) != 0) {
    said_.way = router_->routes.number_to({said_.what.to.dst, said_.source.l3}, descriptor.in);
    const Way& way = router_->routes.way(said_.way);
    if (way.kind != Way::Kind::unicast) return false;
    said_.out = way.device;
  }
  memory::copy_in(&objects_.answers.slot(descriptor.number, window_), &said_, sizeof said_);
  return true;
}

size_t Decide::make_untranslated(const chain::Descriptor& descriptor, std::span<const uint8_t> quoted) noexcept {
  state::Answer untranslated = said_;
  untranslated.source = said_from_;
  untranslated.what = {};
  if (!asked_elsewhere(descriptor)) return state::make_answer(untranslated, descriptor, quoted, answer_);
  auto const packet = std::span(*translated_).first(std::min(quoted.size(), translated_->size()));
  std::ranges::copy(quoted.first(packet.size()), packet.begin());
  bool const whole = packet_->transport != ruleset::Evaluation::kNone;
  packet::rewrite(packet, packet_->tracked_protocol(), whole ? packet_->tracked_transport() : 0, {packet::Rewriting::destination, 0, packet_->nat.to, {}});
  return state::make_answer(untranslated, descriptor, packet, answer_);
}

/// nf_nat_icmp_reply_translation; a reset as any packet of its flow.
void Decide::see_translation_of_said(const chain::Descriptor& descriptor) noexcept {
  ruleset::Translation& nat = said_packet_->nat;
  bool const icmp = said_.kind == state::Answer::Kind::icmp;
  packet::Rewriting what = said_.what;
  if (asked_elsewhere(descriptor)) {
    what = {packet::Rewriting::source, 0, packet::inverse(descriptor.tuple).value_or(descriptor.tuple), descriptor.tuple};
    what.to.src = said_.source.bytes;
  }
  nat.tracked = what.outer != 0;
  nat.open = nat.ordered = {};
  nat.changes[static_cast<size_t>(packet::Part::source)] = (what.outer & packet::Rewriting::source) != 0;
  nat.changes[static_cast<size_t>(packet::Part::destination)] = (what.outer & packet::Rewriting::destination) != 0;
  nat.to = what.to;
  nat.quotes = icmp;
  nat.inner_to = what.inner_to;
}

void Decide::see_said(const chain::Descriptor& descriptor, const state::FlowNow& flow, std::span<const uint8_t> bytes, uint16_t back) noexcept {
  bool const reset = said_.kind == state::Answer::Kind::tcp_reset;
  chain::Descriptor own{};
  own.number = descriptor.number;
  own.time_ns = descriptor.time_ns;
  own.captured = own.l3_length = static_cast<uint32_t>(bytes.size());
  own.l4_offset = static_cast<uint16_t>(state::header_length(said_));
  own.shape = packet::Shape::ip;
  bool const of_its_own = reset && descriptor.flow == 0;  // no answer to conntrack, but a segment like others
  own.tuple = of_its_own ? packet::inverse(descriptor.tuple).value_or(packet::Tuple{}) : descriptor.tuple;
  own.quote = of_its_own ? chain::Quote::none : chain::Quote::quoted;  // its flow is that of the packet which it answers
  own.direction = flow.direction;
  own.state = flow.flow == 0 ? chain::FlowState::invalid : of_its_own ? flow.reset : chain::FlowState::related;
  own.flow = flow.flow;
  own.flow_generation = flow.generation;
  said_packet_->begin();
  static_cast<void>(see(own, bytes, *said_packet_));
  said_packet_->protocol = reset ? packet::protocol::tcp : said_.source.l3 == 4 ? packet::protocol::icmp : packet::protocol::icmpv6;
  said_packet_->in = {};
  if (back < interfaces_.size()) said_packet_->out = {interfaces_[back], back + 1U, 1};
  see_words(own, said_packet_->flow);
  if (program_->flow_views && own.flow != 0) see_counts(flow, said_packet_->flow);
  if (descriptor.flow == 0) {
    if (program_->translates) translate_->see(own, *said_packet_);
  } else {  // which may have become a translated one with this packet
    said_packet_->flow.tuples = packet_->flow.tuples;
    said_packet_->flow.status = packet_->flow.status;
  }
  see_translation_of_said(descriptor);
}

void Decide::send_early_answer(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  memory::copy_out(&said_, &objects_.answers.slot(descriptor.number, window_), sizeof said_);
  said_from_ = said_.source;
  if (said_.number == descriptor.number) return send_answer(descriptor, frame, batch);
  withdraw(descriptor);
}

void Decide::send_answer(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  bool const to_self = said_.out == kSelf;
  if (to_self) withdraw(descriptor);
  if (!program_ || !router_ || (said_.out >= interfaces_.size() && !to_self)) return;
  auto const quoted = refused(descriptor, frame);
  state::FlowNow const flow = flow_of_answer_.of(descriptor, said_.kind, quoted);
  bool const as_it_came = descriptor.flow == 0 && flow.flow != 0 && !to_self;
  uint16_t const back = said_.out;
  if (as_it_came && !translate_said(descriptor, flow)) return withdraw(descriptor);
  size_t const length = make_untranslated(descriptor, quoted);
  if (length == 0) return;
  see_said(descriptor, flow, std::span(answer_).first(length), back);
  state_words_->batch = &batch;
  if (copies_) copies_->speaks(true);
  for (ruleset::At const hook : {ruleset::At::output, ruleset::At::postrouting, ruleset::At::prerouting, ruleset::At::input}) {
    bool const arrives = hook == ruleset::At::prerouting || hook == ruleset::At::input;
    if (arrives && !to_self) break;
    if (to_self) (arrives ? said_packet_->in : said_packet_->out) = {"lo", ruleset::kLoopback, kLoopbackType};
    if (arrives) said_packet_->out = {};
    else if (hook == ruleset::At::postrouting && !to_self) said_packet_->out = {interfaces_[said_.out], said_.out + 1U, 1};
    if (told_ != nullptr) told_->enter(hook);
    bool const early = hook == ruleset::At::output || (hook == ruleset::At::prerouting && program_->early);
    if (early) ruleset::evaluate(*program_, hook, *said_packet_, told_, ruleset::Share::early);
    if (!early || said_packet_->verdict == ruleset::Decision::accept) ruleset::evaluate(*program_, hook, *said_packet_, told_);
    if (said_packet_->marks_flow) descriptor.facts |= chain::Facts::marked;
    if (said_packet_->verdict != ruleset::Decision::accept) return withdraw(descriptor);
  }
  if (to_self || program_->at(ruleset::At::egress, ruleset::sort_of(*said_packet_)).empty()) return;
  said_packet_->link = frame.first(std::min<size_t>(descriptor.l3_offset, frame.size()));
  see_leaving(*said_packet_, said_.way);
  if (told_ != nullptr) told_->enter(ruleset::At::egress);
  ruleset::evaluate(*program_, ruleset::At::egress, *said_packet_, told_);
  if (said_packet_->verdict != ruleset::Decision::accept) withdraw(descriptor);
}

void Decide::say(chain::Descriptor& descriptor, const state::Answer& said) noexcept {
  said_ = said;
  memory::copy_in(&objects_.answers.slot(descriptor.number, window_), &said, sizeof said);
  descriptor.orders |= chain::Orders::answered;
}

/// Whom an ICMP error comes from. IPv4: the interface that it leaves by; IPv6: the one that the packet came in by.
IpAddress Decide::source_towards(const IpAddress& peer, const Way& way, uint16_t in) const noexcept {
  if (peer.l3 == 6) return router_->routes.source_for(in, peer);
  return router_->routes.source_for(way.device, way.via.is_none() ? peer : way.via);
}

void Decide::answer(chain::Descriptor& descriptor, const HeaderView& packet, const Route& route, memory::Batch& batch) noexcept {
  const IpAddress& peer = packet.source;
  uint16_t const back = router_->routes.number_to(peer, descriptor.in);
  const Way& way = router_->routes.way(back);
  bool const to_self = way.kind == Way::Kind::local;
  if (way.kind != Way::Kind::unicast && !to_self) return;
  uint64_t const now_ns = descriptor.time_ns;
  state::Answer said{};
  // Said from the address that it came to, which a rule may have set to somebody else's: the kernel finds no way for that.
  bool const from_foreign_address = peer.l3 == 4 && (descriptor.orders & chain::Orders::local) != 0 && packet_->edited;
  if (from_foreign_address && !router_->routes.is_local(packet.destination)) return;
  // One that has no route yet gets that of its answer (nf_reject_fill_skb_dst), whose source icmp_send then finds by that.
  bool const unrouted = route.reason == chain::DropReason::rule && peer.l3 == 4 && (descriptor.orders & (chain::Orders::routed | chain::Orders::local)) == 0;
  Way::Kind const asked = router_->routes.way_to(packet.destination).kind;
  bool const to_us = asked == Way::Kind::local || asked == Way::Kind::anycast;
  if (unrouted && to_self && !to_us) return;
  // What is said about a packet that was translated leaves translated back.
  bool const as_came = unrouted ? to_self : to_us;
  IpAddress const from = as_came ? packet.destination : to_self ? peer : source_towards(peer, way, descriptor.in);
  said.source = as_came || packet.destination != packet.asked ? packet.asked : from;
  if (said.source.is_none() || !limits_.allow(peer, to_self, route.type, route.code, now_ns, batch)) return;
  said.number = descriptor.number;
  said.kind = state::Answer::Kind::icmp;
  said.type = route.type;
  said.code = route.code;
  said.info = route.info;
  said.out = to_self ? kSelf : way.device;
  said.way = back;
  if (peer.l3 == 4 && options_.length != 0) {
    Echo const echo = echo_of(header4(), options_, {router_->routes, from, now_ns});
    if (!echo.possible) return;
    said.options_length = echo.length;
    said.options = echo.bytes;
  }
  say(descriptor, said);
  said_from_ = from;
}

}  // namespace bulkhead::rules
