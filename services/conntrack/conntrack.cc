#include "services/conntrack/conntrack.h"

#include <algorithm>

#include "ipc/tracking/own_reset.h"
#include "ipc/tracking/protocol_words.h"

namespace bulkhead::conntrack {
namespace {
constexpr size_t kTrack = 0, kConfirm = 1;  // inlets
constexpr size_t kRules = 0, kHome = 1;     // outlets
}  // namespace

Conntrack::Conntrack(const Parts& parts)
    : chain::Stage(parts.stage, {&parts.track, &parts.confirm}, {parts.rules, parts.home}),
      state_(parts.state),
      views_(parts.views),
      early_(parts.settings.ruleset.sets_zones ? &parts.early : nullptr),
      table_(parts.state, batch(), parts.settings.seed),
      flights_(parts.state, batch(), parts.settings.ruleset, parts.settings.seed),
      decided_(parts.decided),
      fates_(parts.decided),
      track_(parts.state, table_, flights_, refusals_, fates_, batch(), parts.settings, parts.lanes),
      confirm_(parts.state, table_, flights_, refusals_, {parts.edits, parts.orders}, batch(), parts.settings),
      asked_(parts.settings.ruleset.views) {}

bool Conntrack::work() {
  if (inlet(kConfirm).available() != 0 && outlet(kHome).room() != 0) return true;
  return may_track() && inlet(kTrack).available() != 0 && outlet(kRules).room() != 0;
}

bool Conntrack::may_ring_later(size_t outlet) const { return outlet == kHome && waits_ != Waits::no; }

bool Conntrack::may_track() {
  return waits_ == Waits::no || (waits_ == Waits::for_rules && decided_.tail.acquire() == outlet(kRules).tail());
}

bool Conntrack::make() {
  uint64_t const confirmed = confirm_some();
  uint64_t const tracked = track_some();
  return confirmed + tracked != 0;
}

uint64_t Conntrack::confirm_some() {
  chain::Inlet& in = inlet(kConfirm);
  chain::Outlet& out = outlet(kHome);
  uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
  uint64_t done = 0;
  chain::Descriptor descriptor;
  for (; done < count && batch().room() > Confirm::kWordsEach; ++done) {
    in.get(descriptor);
    if (!confirm_.visit(descriptor)) count_corrupt();
    out.put(descriptor);
    in.advance();
  }
  if (done == 0) return 0;
  if (descriptor.number >= tracked_) waits_ = Waits::no;
  batch().set(state_.confirmed, descriptor.number);
  return done;
}

// Descriptors are copied out, and what they will need is asked of memory, kAhead places before their turn.
uint64_t Conntrack::track_some() {
  if (!may_track()) return 0;
  bool const decided = waits_ == Waits::for_rules;
  waits_ = Waits::no;
  chain::Inlet& in = inlet(kTrack);
  chain::Outlet& out = outlet(kRules);
  uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
  for (uint64_t i = 0; i < std::min<uint64_t>(kAhead, count); ++i) look_ahead(in, i, i);
  if (count != 0) track_.confirmed(state_.confirmed.load(), ahead_[0].descriptor);
  uint64_t done = 0;
  for (; done < count; ++done) {
    Ahead& now = ahead_[done % kAhead];
    if (done + kAhead / 2 < count) table_.prefetch_entry(ahead_[(done + kAhead / 2) % kAhead].hash);
    if (batch().room() < Track::words_for(now.descriptor.kind) + 1) break;
    fates_.at(out.tail());
    if (track_.visit(now.descriptor, now.hash, now.zones) == Track::Outcome::wait) {
      waits_ = decided && done == 0 ? Waits::for_confirm : Waits::for_rules;
      break;
    }
    if (asked_ && now.descriptor.flow != 0) show_flow(now.descriptor);
    if (track_.related()) show_related(now.descriptor, *track_.related());
    out.put(now.descriptor);
    tracked_ = now.descriptor.number;
    in.advance();
    if (done + kAhead < count) look_ahead(in, kAhead - 1, done + kAhead);
  }
  if (done != 0) batch().add(state_.packets, done);
  return done;
}

void Conntrack::show_flow(const chain::Descriptor& descriptor) {
  if (descriptor.flow > table_.capacity()) return;  // of an event: whoever was before may have put anything there
  const state::FlowEntry& entry = table_.entry(descriptor.flow - 1);
  state::FlowNow now = state::flow_now(entry, descriptor.number);
  if (descriptor.tuple.protocol == packet::protocol::tcp && tracking::is_closed(entry)) now.status |= state::Status32::closed;
  now.generation = std::bit_cast<uint32_t>(state::zones_of(entry));
  // A packet that ended its flow (an answer to SYN_SENT) still sees it, dying, and is counted.
  if ((entry.status.load() & state::Status32::used) == 0) {
    bool const reply = descriptor.direction == chain::Direction::reply;
    now.status = state::Status32::confirmed | state::Status32::dying | (reply ? state::Status32::seen_reply : 0);
    now.expires_ns = entry.expires_ns.load();
    now.packets[reply ? 1 : 0] += 1;
    now.bytes[reply ? 1 : 0] += descriptor.l3_length;
  }
  memory::copy_in(&views_.slot(descriptor.number, views_.header.capacity), &now, sizeof now);
}

void Conntrack::show_related(const chain::Descriptor& descriptor, FlowTable::Hit hit) {
  const state::FlowEntry& entry = table_.entry(hit.index);
  state::FlowNow now = state::flow_meant(entry, hit, descriptor.number);
  if (track_.reset()) tracking::show_reset(*track_.reset(), now);
  memory::copy_in(&views_.slot(descriptor.number, views_.header.capacity), &now, sizeof now);
}

packet::Zones Conntrack::zones_of(const chain::Descriptor& descriptor) const {
  state::EarlyMark mark;
  memory::copy_out(&mark, &early_->slot(descriptor.number, early_->header.capacity), sizeof mark);
  return mark.number == descriptor.number ? mark.zones : packet::Zones{};
}

void Conntrack::look_ahead(const chain::Inlet& in, uint64_t distance, uint64_t turn) {
  Ahead& ahead = ahead_[turn % kAhead];
  in.get(ahead.descriptor, distance);
  if (early_ != nullptr) {
    ahead.zones = zones_of(ahead.descriptor);
    ahead.descriptor.tuple.zone = ahead.zones.original;
  }
  ahead.hash = table_.hash(ahead.descriptor.tuple);
  table_.prefetch_bucket(ahead.hash);
  refusals_.prefetch(ahead.hash);
}

}  // namespace bulkhead::conntrack
