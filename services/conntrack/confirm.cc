#include "services/conntrack/confirm.h"

#include "ipc/tracking/own_reset.h"
#include "ipc/tracking/protocol_words.h"

namespace bulkhead::conntrack {

bool Confirm::visit(chain::Descriptor& descriptor) noexcept {
  bool const passed = descriptor.gone_count == 0 || pass_gone(descriptor);
  return decide(descriptor) && passed;
}

bool Confirm::decide(chain::Descriptor& descriptor) noexcept {
  if (descriptor.flow == 0) return track_reset(descriptor), true;
  uint32_t const index = descriptor.flow - 1;
  if (index >= table_.capacity()) return false;
  state::FlowEntry& entry = table_.entry(index);
  if (entry.generation.load() != descriptor.flow_generation) return true;  // gone since
  if (entry.created.load() != descriptor.number) return close(descriptor, entry), true;
  uint32_t status = entry.status.load();
  if ((status & state::Status32::foreseen) != 0) return pass_foreseen(descriptor, entry);
  if ((status & (state::Status32::used | state::Status32::confirmed)) != state::Status32::used) return true;
  bool const apart = (status & state::Status32::apart) != 0;
  bool passed = chain::passed_hooks(descriptor), good = true;
  if (apart && passed) {  // which rules have said cannot be
    descriptor.verdict = chain::Verdict::drop;
    descriptor.reason = chain::DropReason::bad_descriptor;
    descriptor.facts &= static_cast<uint16_t>(~chain::Facts::left);
    passed = good = false;
  }
  if (!apart) flights_.end(state::tuple_of(entry.tuples[0]));
  if (!passed && (descriptor.facts & chain::Facts::refused) != 0) refusals_.note(entry, descriptor);
  if (passed && (descriptor.orders & chain::Orders::translated) != 0 &&
      !translated(descriptor, index, status)) {
    descriptor.verdict = chain::Verdict::drop;
    descriptor.reason = chain::DropReason::table_full;
    passed = false;
  }
  if (!passed) {
    table_.remove_dropped(index);
    return good;
  }
  batch_.touch(entry.stamp);
  batch_.set(entry.status, status | state::Status32::confirmed);
  if (ordered_) follow_orders(descriptor, entry);
  batch_.add(state_.unconfirmed, ~0U);
  return true;
}

/// Track has let others go on by what rules had said.
bool Confirm::pass_foreseen(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept {
  flights_.end(state::tuple_of(entry.tuples[0]));
  batch_.touch(entry.stamp);
  batch_.set(entry.status, entry.status.load() & ~state::Status32::foreseen);
  batch_.add(state_.unconfirmed, ~0U);
  return chain::passed_hooks(descriptor) && (descriptor.orders & chain::Orders::translated) == 0;
}

/// Linux nft_ct_timeout_obj_eval: the first time-out is that of a new flow, whatever its first packet was.
void Confirm::follow_orders(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept {
  state::FlowOrders orders;
  memory::copy_out(&orders, &objects_.orders.slot(descriptor.number, window_), sizeof orders);
  if (orders.number != descriptor.number || orders.timeouts == 0) return;
  batch_.set(entry.timeouts, orders.timeouts);
  batch_.set(entry.expires_ns, descriptor.time_ns + policies_.of(orders.timeouts).first(state::tuple_of(entry.tuples[0]).protocol));
}

void Confirm::close(const chain::Descriptor& descriptor, state::FlowEntry& entry) noexcept {
  bool const tcp = (descriptor.facts & chain::Facts::reset) != 0 && state::tuple_of(entry.tuples[0]).protocol == packet::protocol::tcp;
  if (!tcp || (entry.status.load() & state::Status32::confirmed) == 0) return;
  tracking::TcpFlow flow = tracking::unpack(tracking::words_of<tracking::TcpFlow::Words>(entry));
  if (flow.state == tracking::TcpState::close) return;
  flow.state = tracking::TcpState::close;
  batch_.touch(entry.stamp);
  tracking::store_protocol(entry, pack(flow), static_cast<uint32_t>(flow.state), batch_);
  batch_.set(entry.expires_ns, descriptor.time_ns + policies_.of(entry.timeouts.load()).of(flow.state));
}

void Confirm::track_reset(const chain::Descriptor& descriptor) noexcept {
  bool const tcp = descriptor.shape == packet::Shape::ip && descriptor.quote == chain::Quote::none && descriptor.tuple.protocol == packet::protocol::tcp;
  auto const tuple = tcp && (descriptor.facts & chain::Facts::reset) != 0 ? packet::inverse(descriptor.tuple) : std::nullopt;
  auto const hit = tuple ? table_.find(*tuple, table_.hash(*tuple)) : std::nullopt;
  if (!hit) return;
  state::FlowEntry& entry = table_.entry(hit->index);
  constexpr uint32_t known = state::Status32::used | state::Status32::confirmed;
  uint32_t const status = entry.status.load();
  // Not one that has begun since, nor that of somebody else's answers: track has others of this flow alone wait for us, or,
  // where it could not know the flow, all.
  bool const waited_for = sets_tuples_ || entry.last_to_close() >= descriptor.number;
  bool const own = (status & known) == known && entry.created.load() < descriptor.number && waited_for &&
                   entry.expires_ns.load() > descriptor.time_ns;
  if (!own) return;
  auto const [flow, outcome] = tracking::track_own_reset(descriptor, entry, hit->direction, policies_);
  batch_.touch(entry.stamp);
  tracking::store_protocol(entry, pack(flow), static_cast<uint32_t>(flow.state), batch_);
  bool const shortens = outcome.fate == tracking::TcpFate::invalid && outcome.timeout_ns != 0;
  // One that the reset ends is gone from now on, and swept with the expired.
  if (outcome.fate == tracking::TcpFate::ended) batch_.set(entry.expires_ns, descriptor.time_ns);
  if (shortens || outcome.fate == tracking::TcpFate::accepted) batch_.set(entry.expires_ns, descriptor.time_ns + outcome.timeout_ns);
  bool const kept = outcome.fate == tracking::TcpFate::kept;
  if (!kept && outcome.fate != tracking::TcpFate::accepted) return;
  if (hit->direction == chain::Direction::reply) batch_.set(entry.status, status | state::Status32::seen_reply);
  if (kept) return;
  state::FlowEntry::Counter& counter = entry.counters[static_cast<size_t>(hit->direction)];
  batch_.add(counter.packets, uint64_t{1});
  batch_.add(counter.bytes, tracking::reset_bytes(descriptor.tuple.l3));
}

bool Confirm::translated(const chain::Descriptor& descriptor, uint32_t index, uint32_t& status) noexcept {
  state::NatEdit edit;
  memory::copy_out(&edit, &objects_.edits.slot(descriptor.number, window_), sizeof edit);
  auto const reply = packet::inverse(edit.what.to);
  if (edit.number != descriptor.number || !reply) return true;
  if ((edit.what.outer & packet::Rewriting::source) != 0) status |= state::Status32::source_nat;
  if ((edit.what.outer & packet::Rewriting::destination) != 0) status |= state::Status32::destination_nat;
  return table_.set_reply(index, *reply);
}

// Up to where track had listed them: what one descriptor says wrongly, the next one mends.
bool Confirm::pass_gone(const chain::Descriptor& descriptor) noexcept {
  uint64_t const passed = state_.gone_passed.load();
  uint64_t const more = descriptor.gone_first + descriptor.gone_count - passed;
  if (more == 0 || more > state_.gone_count.load() - passed) return false;
  batch_.set(state_.gone_passed, passed + more);
  return true;
}

}  // namespace bulkhead::conntrack
