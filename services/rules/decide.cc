#include "services/rules/decide.h"

#include <utility>

#include "common/packet/hop_options.h"
#include "common/packet/icmp.h"
#include "common/packet/ip_header.h"
#include "services/rules/refusable.h"
#include "services/rules/see.h"

namespace bulkhead::rules {

Decide::Decide(const Objects& objects, const control::Settings& settings, std::shared_ptr<const ruleset::Program> program)
    : objects_(objects),
      window_(objects.answers.header.capacity),
      flow_words_(settings.ruleset, settings.flows),
      fast_lane_(settings.fast_lane && !settings.ruleset.sets_tuples && !settings.ruleset.sets_zones),
      reassembles_(settings.ruleset.reassembles),
      counting_(objects.state.counts),
      limits_(objects.state, settings),
      program_(std::move(program)),
      state_words_(std::make_unique<Words>(objects.state, program_.get())),
      translate_(std::make_unique<Translate>(objects.nat, settings.seed)),
      flow_of_answer_(objects.flows, settings),
      counted_flows_(objects.flows.table, flow_words_.connections()),
      packet_(std::make_unique<ruleset::Evaluation>()),
      said_packet_(std::make_unique<ruleset::Evaluation>()),
      edit_(std::make_unique<state::HeaderEdit>()),
      refused_(std::make_unique<Packet>()),
      translated_(std::make_unique<Packet>()),
      record_(objects.walk.header.capacity == 0 ? nullptr : std::make_unique<Record>(objects.walk)) {
  for (const auto& interface : settings.interfaces) interfaces_.push_back(interface.name);
  if (settings.topology.is_router()) router_ = std::make_unique<Router>(settings.topology);
  if (program_ && program_->choices != ruleset::Choices::none)
    foreseen_ = std::make_unique<Foreseen>(objects.foreseen, state::Binder::Inputs{objects.flows.table, objects.nat.orders}, settings.seed, program_->choices);
  if (program_ && program_->copies) copies_ = std::make_unique<Copies>(objects.copies, *program_, router_.get(), interfaces_);
  for (ruleset::Evaluation* const one : {packet_.get(), said_packet_.get()}) {
    one->state = state_words_.get();
    one->chance = &translate_->chance();
    one->host = router_ ? &router_->host : nullptr;
    one->copier = copies_.get();
    one->interfaces = interfaces_;
    one->connections = flow_words_.connections();
    if (router_) one->routes = &router_->routes;
  }
  packet_->steady = true;  // where no rule looks
}

void Decide::visit(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  bool const wanted = descriptor.kind == chain::Kind::packet && descriptor.verdict == chain::Verdict::accept;
  told_ = (descriptor.orders & chain::Orders::explained) != 0 ? record_.get() : nullptr;
  if (told_ != nullptr) told_->begin(early_mark(descriptor).steps);
  if (copies_) copies_->begin(descriptor, early_mark(descriptor));
  if (descriptor.kind == chain::Kind::piece) judge_piece(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), batch);
  state_words_->batch = &batch;
  if (foreseen_) foreseen_->before(descriptor, batch);
  if (counts()) counted_flows_.before(descriptor, flow_of_answer_.view(descriptor), *state_words_);
  if (wanted && (router_ || program_)) {
    judge(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), batch);
    if (packet_->edited) write_edit(descriptor);
    if ((descriptor.orders & chain::Orders::answered) != 0) send_answer(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), batch);
  } else if (descriptor.kind == chain::Kind::packet && descriptor.reason == chain::DropReason::bad_option && router_) {
    complain_of_hop_options(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), batch);
  } else if (descriptor.kind == chain::Kind::packet && (descriptor.orders & chain::Orders::answered) != 0) {
    send_early_answer(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), batch);
  }
  if (copies_) copies_->end(descriptor);
  if (counts()) counted_flows_.behind(descriptor, *state_words_);
  if (foreseen_) foreseen_->behind(descriptor, batch);
  if (wanted && fast_lane_ && descriptor.flow != 0) offer_lane(descriptor);
  if (wanted && descriptor.verdict == chain::Verdict::drop && is_refused_for_good(descriptor)) descriptor.facts |= chain::Facts::refused;
  if (told_ != nullptr) told_->end(descriptor.number);
  counting_.visit(descriptor, batch);
}

state::EarlyMark Decide::early_mark(const chain::Descriptor& descriptor) const noexcept {
  state::EarlyMark mark{};
  if (!program_ || !program_->early) return mark;
  memory::copy_out(&mark, &objects_.early.slot(descriptor.number, window_), sizeof mark);
  return mark.number == descriptor.number ? mark : state::EarlyMark{};
}

/// Not in the early visit itself: what a dead one has left of it there is not to be believed.
void Decide::take_early_mark(const chain::Descriptor& descriptor) noexcept {
  state::EarlyMark const mark = early_mark(descriptor);
  packet_->mark = mark.mark;
  packet_->priority = mark.priority;
  packet_->steady = packet_->certain = mark.number == 0 || mark.steady != 0;
}

void Decide::look_ahead(const chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (foreseen_) foreseen_->look_ahead(descriptor, batch);
  if (!router_ && !program_) return;
  auto const frame = frame_of(descriptor, objects_.pool, objects_.pool_bytes);
  memory::prefetch(frame.data(), std::min<size_t>(frame.size(), 2 * memory::kCacheLine));
}

/// The packet as it is before the first hook. False: no rule looks at it.
bool Decide::begin(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) noexcept {
  packet_->begin();
  packet_->nat.tracked = false;
  packet_->nat.changes = {};
  options_ = {};
  bool const looks = program_ || (router_ && has_options(descriptor, frame));
  if (!looks || descriptor.in >= interfaces_.size()) return false;
  bool const seen = see(descriptor, frame, *packet_);
  if (!program_ || (!seen && !program_->links)) return false;
  if (program_->links) see_frame(descriptor, frame, seen, router_ ? Wiring::router : Wiring::bridge, *packet_);
  packet_->in = {interfaces_[descriptor.in], descriptor.in + 1U, 1};
  packet_->out = {};
  see_words(descriptor, packet_->flow);
  if (program_->flow_views && descriptor.flow != 0) see_view(flow_of_answer_.view(descriptor), packet_->flow);
  if (counts() && descriptor.flow == 0) see_meant(flow_of_answer_.view(descriptor), packet_->flow);
  if (program_->translates) translate_->see(descriptor, *packet_);
  packet_->others = foreseen_ && packet_->nat.open[static_cast<size_t>(packet::Part::source)] ? foreseen_->others(descriptor) : nullptr;
  return true;
}

void Decide::see_words(const chain::Descriptor& descriptor, ruleset::FlowView& flow) const noexcept {
  flow.there = flow.there && descriptor.flow <= flow_words_.flows();
  if (!flow.there) return;
  flow.mark_word = static_cast<uint32_t>(flow_words_.mark(descriptor.flow - 1));
  flow.label_word = static_cast<uint32_t>(flow_words_.labels(descriptor.flow - 1));
}

void Decide::order_flow(const chain::Descriptor& descriptor) noexcept {
  state::FlowOrders const orders{descriptor.number, packet_->flow.timeouts, 0};
  memory::copy_in(&objects_.orders.slot(descriptor.number, window_), &orders, sizeof orders);
}

void Decide::judge(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  bool const seen = begin(descriptor, frame), late = is_put_together_late(descriptor);
  if (seen && program_->early) take_early_mark(descriptor);
  else if (seen && late) packet_->mark = std::exchange(descriptor.mark, 0U);
  if (seen && !late && !passes(ruleset::At::prerouting, descriptor, batch)) return reject(descriptor, frame, batch);
  if (router_ && seen && packet_->l3 == 0 && !passes(ruleset::At::input, descriptor, batch)) return;  // ARP
  if (router_ && !route_on(descriptor, frame, batch)) return;
  if (!seen) return leave_without_rules(descriptor);
  bool const up = keep_for_itself(descriptor);
  bool const local = (descriptor.orders & chain::Orders::local) != 0;
  if (!local) packet_->out = {interfaces_[descriptor.out], descriptor.out + 1U, 1};
  if (router_ && !local) pass_router(*packet_);
  bool const passed = local ? passes(ruleset::At::input, descriptor, batch)
                            : passes(ruleset::At::forward, descriptor, batch) && passes_postrouting(descriptor, batch);
  if (passed && local) settle_options(descriptor);
  if (up) pass_up(batch);
  if (!passed) return reject(descriptor, frame, batch);
  if (program_->translates) translate_->order(descriptor, *packet_);
  if (!local) leave(descriptor, batch);
  if (packet_->flow.timeouts != 0) order_flow(descriptor);
}

/// What nat may draw a port for, or finds other flows' tuples for, is not known beforehand.
bool Decide::is_refused_for_good(const chain::Descriptor& descriptor) const noexcept {
  bool const by_rule = descriptor.reason == chain::DropReason::rule || descriptor.reason == chain::DropReason::policy;
  bool const begins = (descriptor.facts & chain::Facts::begins) != 0;
  bool const others = packet_->others != nullptr || (program_ && program_->sets_zones);
  bool const chosen = others || packet_->nat.ordered[static_cast<size_t>(packet::Part::destination)];
  return by_rule && begins && packet_->certain && !packet_->marks_flow && !chosen && chain::is_plain(descriptor);
}

void Decide::offer_lane(chain::Descriptor& descriptor) noexcept {
  constexpr uint8_t settled = chain::Orders::routed;
  const ruleset::Translation& nat = packet_->nat;
  bool const asks = nat.tracked && (nat.open[0] || nat.open[1]);  // chains of type nat, a flow's first packet alone
  if (packet_->marks_flow) descriptor.facts |= chain::Facts::marked;
  bool const steady = packet_->steady && !packet_->marks_flow && !packet_->edited && !asks && descriptor.verdict == chain::Verdict::accept &&
                      (descriptor.orders & ~settled) == 0 && (!router_ || steady_route_);
  if (!steady) return;
  state::MetCounters met_counters{descriptor.number, packet_->counters_met, packet_->met_counters};
  memory::copy_in(&objects_.met_counters.slot(descriptor.number, window_), &met_counters, sizeof met_counters);
  descriptor.facts |= chain::Facts::steady;
}

std::optional<HeaderView> Decide::view_of(const chain::Descriptor& descriptor, std::span<const uint8_t> frame) const noexcept {
  auto packet = HeaderView::of(descriptor, frame);
  if (!packet) return packet;
  bool const redirected = packet_->nat.changes[static_cast<size_t>(packet::Part::destination)];
  if (packet_->edited) {
    packet->read(packet_->head.data());
    if (redirected) packet->asked.bytes = descriptor.tuple.dst;
  } else if (redirected) {
    packet->destination = {packet_->nat.to.dst, packet->source.l3};
  }
  return packet;
}

bool Decide::passes(ruleset::At hook, chain::Descriptor& descriptor, memory::Batch& batch, ruleset::Share share) noexcept {
  state_words_->batch = &batch;
  if (told_ != nullptr) told_->enter(hook);
  ruleset::evaluate(*program_, hook, *packet_, told_, share);
  if (packet_->flow.state == ruleset::FlowView::untracked) descriptor.state = chain::FlowState::untracked;
  descriptor.rule = packet_->rule;
  if (packet_->verdict == ruleset::Decision::accept) return true;
  descriptor.verdict = chain::Verdict::drop;
  if (packet_->forwarded != 0) descriptor.out = static_cast<uint8_t>(packet_->forwarded - 1);
  descriptor.reason = packet_->forwarded != 0 ? chain::DropReason::forwarded
                      : packet_->policy    ? chain::DropReason::policy
                      : packet_->rule == 0 ? chain::DropReason::nat_error
                      : packet_->unheard   ? chain::DropReason::no_listener
                                           : chain::DropReason::rule;
  return false;
}

bool Decide::route_on(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  auto const packet = view_of(descriptor, frame);
  Route found = packet ? route(*packet, descriptor.in, router_->routes, router_->topology) : Route{};
  if (packet && has_options(descriptor, frame)) found = route_with_options(descriptor, *packet, found);
  steady_route_ = !found.redirects;
  if (found.redirects) limits_.count_redirect(packet->destination, descriptor.time_ns, batch);
  switch (found.fate) {
    case Route::Fate::forward:
      descriptor.orders |= chain::Orders::routed;
      descriptor.way = found.way;
      descriptor.out = static_cast<uint8_t>(found.out);
      return true;
    case Route::Fate::local: descriptor.orders |= chain::Orders::local; return true;
    case Route::Fate::drop: break;
  }
  descriptor.verdict = chain::Verdict::drop;
  descriptor.reason = packet ? found.reason : chain::DropReason::not_ip;
  if (found.speaks && may_speak(descriptor, *packet, found, batch)) answer(descriptor, *packet, found, batch);
  return false;
}

std::span<uint8_t> Decide::header4() noexcept {
  return std::span(packet_->head).first(std::min<size_t>(packet::ip_header::length(packet_->head[0]), packet_->head_length));
}

/// Linux ip_rcv_finish_core: read once there is a way, whichever, and before anything else is asked.
Route Decide::route_with_options(const chain::Descriptor& descriptor, const HeaderView& packet, const Route& found) noexcept {
  bool const lost = found.reason == chain::DropReason::martian_source || found.reason == chain::DropReason::martian_destination ||
                    found.reason == chain::DropReason::group;
  auto const header = header4();
  if (lost || packet.source.l3 != 4 || header.size() <= packet::ip_header::kIpv4) return found;
  bool const ours = router_->routes.is_local(packet.destination);
  IpAddress const own = ours ? packet.destination : source_towards(packet.source, router_->routes.way_to(packet.source), descriptor.in);
  options_ = read_options(header, {router_->routes, own, descriptor.time_ns});
  packet_->edited = packet_->edited || options_.changed;
  packet_->steady = false;
  if (options_.bad)
    return Route::refused(chain::DropReason::bad_option, packet::icmp::parameter_problem, 0, uint32_t{options_.problem} << 24);
  return options_.source_route != 0 ? Route::dropped(chain::DropReason::source_route) : found;
}

void Decide::settle_options(const chain::Descriptor& descriptor) noexcept {
  if (options_.length == 0) return;
  bool const local = (descriptor.orders & chain::Orders::local) != 0;
  auto const header = header4();
  IpAddress const to = packet::ip_header::destination(header.data(), 4);
  if (local) options_.records = false;
  leave_by(header, options_, local ? to : source_towards(to, router_->routes.way(descriptor.way), descriptor.in));
}

void Decide::leave_without_rules(const chain::Descriptor& descriptor) noexcept {
  if (!packet_->edited) return;
  if ((descriptor.orders & chain::Orders::local) == 0) pass_router(*packet_);
  settle_options(descriptor);
}

void Decide::complain_of_hop_options(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  static_cast<void>(begin(descriptor, frame));
  auto const packet = view_of(descriptor, frame);
  if (!packet || packet->source.l3 != 6) return;
  packet::HopFault const fault = packet::router_fault(frame.subspan(descriptor.l3_offset), descriptor.l3_length);
  if (fault.kind != packet::HopFault::Kind::problem) return;
  Route said = Route::refused(chain::DropReason::bad_option, packet::icmpv6::parameter_problem, fault.code, fault.pointer);
  said.to_groups_too = fault.tells_groups;
  if (!may_be_answered(*packet, router_->routes, said)) return;
  answer(descriptor, *packet, said, batch);
  if ((descriptor.orders & chain::Orders::answered) != 0) send_answer(descriptor, frame, batch);
}

/// Linux ip_error counts what it would say before it asks whether anything may be said.
bool Decide::may_speak(const chain::Descriptor& descriptor, const HeaderView& packet, const Route& route, memory::Batch& batch) noexcept {
  bool const counted = route.reason == chain::DropReason::no_route && packet.source.l3 == 4;
  if (counted && !limits_.allow_unroutable(packet.source, descriptor.time_ns, batch)) return false;
  return may_be_answered(packet, router_->routes, route);
}

/// What is quoted is quoted as the sender knows it: translated back (nf_nat_icmp_reply_translation).
void Decide::write_edit(chain::Descriptor& descriptor) noexcept {
  bool const quoted = descriptor.verdict == chain::Verdict::drop;
  if (quoted && (descriptor.orders & chain::Orders::answered) == 0) return;
  const ruleset::Translation& nat = packet_->nat;
  state::HeaderEdit::About& about = edit_->about;
  about = {descriptor.number, nat.tracked ? nat.to : descriptor.tuple, packet_->head_length, packet_->renew_sctp};
  auto const head = std::span(edit_->head).first(about.length);
  std::ranges::copy(std::span(packet_->head).first(about.length), head.begin());
  if (quoted && nat.tracked && nat.changes[static_cast<size_t>(packet::Part::destination)]) {
    bool const whole = packet_->tracked_transport() < about.length;
    packet::rewrite(head, packet_->tracked_protocol(), whole ? packet_->tracked_transport() : 0, {packet::Rewriting::destination, 0, descriptor.tuple, {}});
  }
  state::HeaderEdit& slot = objects_.edits.slot(descriptor.number, window_);
  memory::copy_in(&slot.about, &about, sizeof about);
  memory::copy_in(slot.head.data(), head.data(), head.size());
  descriptor.orders |= chain::Orders::edited;
}

void Decide::reject(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  if (packet_->verdict != ruleset::Decision::reject) return;
  descriptor.orders |= chain::Orders::rejected;
  auto const packet = view_of(descriptor, frame);
  auto const changed = std::span<const uint8_t>(packet_->head).first(packet_->edited ? packet_->head_length : 0);
  bool const unsummed = options_.changed && (descriptor.orders & chain::Orders::local) == 0;
  if (!router_ || !packet || !is_refusable(descriptor, *packet, frame, changed, unsummed)) return;
  if (packet_->reject.kind == ruleset::Reject::Kind::tcp_reset) return unsummed ? void() : reset(descriptor, *packet);  // which verifies again
  Route said;
  said.reason = chain::DropReason::rule;
  said.type = packet_->reject.type;
  said.code = packet_->reject.code;
  if (may_be_answered(*packet, router_->routes, said)) answer(descriptor, *packet, said, batch);
}

}  // namespace bulkhead::rules
