#include "services/conntrack/conntrack.h"

#include <algorithm>

namespace bulkhead::conntrack {
namespace {
constexpr size_t kTrack = 0, kConfirm = 1;  // inlets
constexpr size_t kRules = 0, kHome = 1;     // outlets
}  // namespace

Conntrack::Conntrack(const Parts& parts)
    : Stage(parts.stage, {&parts.track, &parts.confirm}, {parts.rules, parts.home}),
      state_(parts.state),
      table_(parts.state, batch(), parts.seed),
      track_(parts.state, table_, batch()),
      confirm_(parts.state, table_, batch()),
      empty_(parts.empty) {}

bool Conntrack::work() {
  if (inlet(kConfirm).available() != 0 && outlet(kHome).room() != 0) return true;
  return !waits_ && inlet(kTrack).available() != 0 && outlet(kRules).room() != 0;
}

bool Conntrack::make() {
  uint64_t const confirmed = confirm_some();
  uint64_t const tracked = track_some();
  return confirmed + tracked != 0;
}

uint64_t Conntrack::confirm_some() {
  Inlet& in = inlet(kConfirm);
  Outlet& out = outlet(kHome);
  uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
  uint64_t done = 0;
  Descriptor descriptor;
  for (; done < count && batch().room() >= Confirm::kWordsEach; ++done) {
    in.get(descriptor);
    if (!empty_ && !confirm_.visit(descriptor)) count_corrupt();
    out.put(descriptor);
    in.advance();
  }
  if (done != 0) waits_ = false;
  return done;
}

uint64_t Conntrack::track_some() {
  if (waits_) return 0;
  Inlet& in = inlet(kTrack);
  Outlet& out = outlet(kRules);
  uint64_t const count = std::min({in.available(), out.room(), uint64_t{batch_size()}});
  uint64_t done = 0;
  Descriptor descriptor;
  for (; done < count; ++done) {
    in.get(descriptor);
    if (!empty_) {
      if (batch().room() < Track::words_for(descriptor.kind) + 1) break;
      if (track_.visit(descriptor) == Track::Outcome::wait) {
        waits_ = true;
        break;
      }
    }
    out.put(descriptor);
    in.advance();
  }
  uint64_t const tracked = empty_ ? 0 : done;
  if (tracked != 0) batch().add(state_.packets, tracked);
  return done;
}

}  // namespace bulkhead::conntrack
