// services/rules/edges.cc: the edges of the host, of decide.h: what a packet meets where it comes in, before conntrack; and where it
// leaves by its interface.
#include <algorithm>
#include <utility>

#include "common/packet/ip_header.h"
#include "services/rules/decide.h"
#include "services/rules/see.h"

namespace bulkhead::rules {
namespace {

bool is_of_reassembly(chain::DropReason reason) { return reason == chain::DropReason::bad_fragment || reason == chain::DropReason::fragments_full; }

}  // namespace

void Decide::visit_early(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  comes_back_ = false;
  uint32_t const mark = std::exchange(descriptor.mark, 0U);
  // What is dropped before IP's hooks has been seen by those of the link layer; what reassembly lets go of, when it came.
  bool const refused = descriptor.verdict != chain::Verdict::accept;
  if (descriptor.kind == chain::Kind::tick || (refused && (!program_->links || is_of_reassembly(descriptor.reason)))) return;
  told_ = (descriptor.orders & chain::Orders::explained) != 0 ? record_.get() : nullptr;
  if (told_ != nullptr) told_->begin(0);
  if (copies_) copies_->begin(descriptor, {});
  judge_early(descriptor, frame_of(descriptor, objects_.pool, objects_.pool_bytes), mark, batch);
  if (told_ != nullptr) told_->end(descriptor.number);
}

void Decide::judge_early(chain::Descriptor& descriptor, std::span<const uint8_t> frame, uint32_t mark, memory::Batch& batch) noexcept {
  if (!begin(descriptor, frame)) return;
  packet_->flow = ruleset::untracked_yet();
  packet_->nat.tracked = false;
  packet_->mark = mark;
  bool const refused = descriptor.verdict != chain::Verdict::accept;
  bool const passed = passes_early(descriptor, batch);
  if (descriptor.kind == chain::Kind::piece && passed) descriptor.mark = packet_->mark;
  bool const alone = descriptor.kind == chain::Kind::piece || refused;  // nothing is said about it
  if (!passed && !alone) reject(descriptor, frame, batch);
  // Whoever it comes from is told; other chains may make that the router.
  auto const packet = router_ && program_->early_orders && !alone ? HeaderView::of(descriptor, frame) : std::nullopt;
  comes_back_ = packet && (program_->sets_tuples || router_->routes.is_local(packet->source));
  if (packet_->flow.state == ruleset::FlowView::untracked) descriptor.facts |= chain::Facts::untracked;
  state::EarlyMark const early{descriptor.number, told_ == nullptr ? 0 : told_->steps(), packet_->mark, packet_->priority, packet_->zones,
                       packet_->steady && packet_->counters_met == 0 ? 1U : 0U,
                       copies_ ? copies_->count() : uint16_t{0}, copies_ ? copies_->lost() : uint16_t{0}};
  if (copies_) copies_->end(descriptor);
  memory::copy_in(&objects_.early.slot(descriptor.number, window_), &early, sizeof early);
}

/// A fragment that will be put together behind prerouting: what is left of that hook.
void Decide::judge_piece(chain::Descriptor& descriptor, std::span<const uint8_t> frame, memory::Batch& batch) noexcept {
  if (descriptor.verdict != chain::Verdict::accept || reassembles(descriptor) || !begin(descriptor, frame)) return;
  packet_->mark = std::exchange(descriptor.mark, 0U);
  if (passes(ruleset::At::prerouting, descriptor, batch)) descriptor.mark = packet_->mark;
}

/// Hooks before conntrack. What was put together from fragments has been there in pieces. False: dropped there.
bool Decide::passes_early(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  // A fragment that went on by itself has gone_count 1 until track has seen it (services/pktio/in/receive.cc).
  bool const whole = descriptor.largest_fragment != 0 || descriptor.gone_count != 0, refused = descriptor.verdict != chain::Verdict::accept;
  bool const bridged = !refused || !router_;  // a bridge's own hooks ask for no IP
  if (!whole && !passes(ruleset::At::ingress, descriptor, batch, ruleset::Share::pieces)) return false;
  if (!whole && bridged && !passes(ruleset::At::prerouting, descriptor, batch, ruleset::Share::pieces)) return false;
  bool const later = is_put_together_late(descriptor) || (descriptor.kind == chain::Kind::piece && reassembles(descriptor));
  return refused || later || passes(ruleset::At::prerouting, descriptor, batch, ruleset::Share::early);
}

/// Its copy, as it is before the hooks behind: a bridge gets what goes to groups itself, too.
bool Decide::keep_for_itself(const chain::Descriptor& descriptor) noexcept {
  bool const to_group = (descriptor.facts & chain::Facts::to_group) != 0;
  if (router_ || !to_group || program_->at(ruleset::At::input, ruleset::sort_of(*packet_)).empty()) return false;
  *said_packet_ = *packet_;
  return true;
}

/// Whatever is said of that one, others go on.
void Decide::pass_up(memory::Batch& batch) noexcept {
  state_words_->batch = &batch;
  if (told_ != nullptr) told_->enter(ruleset::At::input);
  ruleset::evaluate(*program_, ruleset::At::input, *said_packet_, told_);
  packet_->steady = false;
}

/// Every hook that its flow is known by is behind it. Its interface's own sees the frame that leaves.
void Decide::leave(chain::Descriptor& descriptor, memory::Batch& batch) noexcept {
  if (program_->at(ruleset::At::egress, ruleset::sort_of(*packet_)).empty()) return;
  see_leaving(*packet_, descriptor.way);
  if (!passes(ruleset::At::egress, descriptor, batch)) descriptor.facts |= chain::Facts::left;
}

/// With the link header that pktio will make.
void Decide::see_leaving(ruleset::Evaluation& packet, uint16_t way) noexcept {
  packet.in = {};
  packet.as_frame.length = (router_ ? packet.length : packet.as_frame.length) + counted_link(packet);
  if (copies_) copies_->leaves_as_it_came();
  if (!router_ || packet.out.index > router_->topology.interfaces.size()) return;
  auto const device = static_cast<uint16_t>(packet.out.index - 1);
  const IpAddress& via = router_->routes.way(way).via;
  IpAddress const next = via.is_none() ? packet::ip_header::destination(packet.head.data(), packet.l3) : via;
  if (copies_) copies_->leaves(device, next);
  if (counted_link(packet) == 0) return;
  link_header_ = link_header(*router_, device, next, packet.ether_type);
  packet.link = link_header_;
}

}  // namespace bulkhead::rules
