// services/conntrack/waits.cc: what a visit of track.h waits for: entries of which nobody has said yet what becomes of them.
#include <algorithm>

#include "services/conntrack/track.h"

namespace bulkhead::conntrack {

bool Track::waits_for(const state::FlowEntry& entry) const noexcept {
  bool const undecided = (entry.status.load() & state::Status32::confirmed) == 0 || may_be_closed(entry);
  return undecided && !memory::simulate::mistaken(memory::simulate::Mistake::hazard_left_out);
}

Track::Outcome Track::find(const packet::Tuple& tuple, uint64_t hash, const packet::Zones& zones, std::optional<FlowTable::Hit>& found) noexcept {
  for (bool lives = false; !lives;) {
    found = table_.find(tuple, hash, zones);
    if (!found) return Outcome::done;
    if (decide(found->index, lives) == Outcome::wait) return Outcome::wait;
  }
  return Outcome::done;
}

Track::Outcome Track::decide(uint32_t index, bool& lives) noexcept {
  lives = true;
  state::FlowEntry& entry = table_.entry(index);
  if (!waits_for(entry)) return Outcome::done;
  bool const confirmed = (entry.status.load() & state::Status32::confirmed) != 0;
  switch (confirmed || !foresees_ ? Fates::Fate::unknown : fates_.of(entry.created.load())) {
    case Fates::Fate::unknown: return Outcome::wait;
    case Fates::Fate::dropped:
      flights_.end(state::tuple_of(entry.tuples[0]));
      table_.set_apart(index);
      lives = false;
      return Outcome::done;
    case Fates::Fate::passes:
      batch_.touch(entry.stamp);
      batch_.set(entry.status, entry.status.load() | state::Status32::confirmed | state::Status32::foreseen);
      return waits_for(entry) ? Outcome::wait : Outcome::done;
  }
  return Outcome::wait;
}

bool Track::is_alone(const packet::Tuple& reply, uint64_t hash) const noexcept {
  return !translates_ || (!table_.find(reply, hash) && !flights_.may_answer(reply));
}

/// By a reset about a packet that has not come home: closed flows judge, and expire, otherwise.
bool Track::may_be_closed(const state::FlowEntry& entry) const noexcept {
  return resets_ != Resets::none && entry.last_to_close() > confirmed_;
}

/// Nor has its first packet, whose rules may set it time-outs that have passed by now.
bool Track::may_be_short_lived(const state::FlowEntry& entry, uint64_t now_ns) const noexcept {
  return (entry.status.load() & state::Status32::confirmed) == 0 && now_ns - std::min(now_ns, entry.started_ns.load()) >= shortest_ns_;
}

/// The same, at once or so long ago that it would not be there any more.
bool Track::may_have_expired(const state::FlowEntry& entry, uint64_t now_ns) const noexcept {
  if (may_be_short_lived(entry, now_ns)) return true;
  return may_be_closed(entry) && (entry.may_end() || now_ns >= since_ns_ + timeouts(entry).of(tracking::TcpState::close));
}

bool Track::waits_for_room() const noexcept {
  return state_.unconfirmed.load() != 0 && !memory::simulate::mistaken(memory::simulate::Mistake::hazard_left_out);
}

}  // namespace bulkhead::conntrack
