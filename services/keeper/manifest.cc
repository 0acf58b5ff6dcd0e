#include "services/keeper/manifest.h"

#include <algorithm>

namespace bulkhead::keeper {
namespace {

constexpr auto memory = control::ObjectKind::memory;
constexpr auto bell = control::ObjectKind::bell;
constexpr auto file = control::ObjectKind::file;
constexpr auto ro = memory::Right::read;
constexpr auto rw = memory::Right::write;

constexpr Entry kManifest[] = {
    {"pktio", "config", memory, ro},
    {"pktio", "lifeline", file, ro},
    {"pktio", "pktio.commit", memory, rw},
    {"pktio", "pktio.journal", memory, rw},
    {"pktio", "pktio.desk", memory, rw},
    {"pktio", "pktio.state", memory, rw},
    {"pktio", "pktio.inflight", memory, rw},
    {"pktio", "pktio.fragments", memory, rw},
    {"pktio", "pktio.staging", memory, rw},
    {"pktio", "pktio.laned", memory, rw},
    {"pktio", "pool", memory, rw},
    {"pktio", "ring.track", memory, rw},
    {"pktio", "ring.early", memory, rw},
    {"pktio", "ring.home", memory, ro},
    {"pktio", "conntrack.desk", memory, ro},
    {"pktio", "conntrack.state", memory, ro},
    {"pktio", "conntrack.commit", memory, ro},
    {"pktio", "rules.bumps", memory, ro},
    {"pktio", "rules.desk", memory, ro},
    {"pktio", "rules.answers", memory, ro},
    {"pktio", "rules.edits", memory, ro},
    {"pktio", "nat.edits", memory, ro},
    {"pktio", "bell.pktio", bell, rw},
    {"pktio", "bell.conntrack", bell, rw},
    {"pktio", "bell.rules", bell, rw},
    {"pktio", "bell.holder", bell, rw},
    {"pktio", "in.*", file, ro},
    {"pktio", "out.*", file, rw},

    {"conntrack", "config", memory, ro},
    {"conntrack", "lifeline", file, ro},
    {"conntrack", "conntrack.commit", memory, rw},
    {"conntrack", "conntrack.journal", memory, rw},
    {"conntrack", "conntrack.desk", memory, rw},
    {"conntrack", "conntrack.state", memory, rw},
    {"conntrack", "conntrack.views", memory, rw},
    {"conntrack", "pool", memory, ro},
    {"conntrack", "ring.track", memory, ro},
    {"conntrack", "ring.sifted", memory, ro},
    {"conntrack", "ring.rules", memory, rw},
    {"conntrack", "ring.confirm", memory, ro},
    {"conntrack", "ring.home", memory, rw},
    {"conntrack", "pktio.desk", memory, ro},
    {"conntrack", "pktio.state", memory, ro},
    {"conntrack", "rules.desk", memory, ro},
    {"conntrack", "nat.desk", memory, ro},
    {"conntrack", "nat.edits", memory, ro},
    {"conntrack", "bell.conntrack", bell, rw},
    {"conntrack", "bell.pktio", bell, rw},
    {"conntrack", "bell.rules", bell, rw},
    {"conntrack", "bell.nat", bell, rw},

    {"rules", "config", memory, ro},
    {"rules", "lifeline", file, ro},
    {"rules", "rules.commit", memory, rw},
    {"rules", "rules.journal", memory, rw},
    {"rules", "rules.desk", memory, rw},
    {"rules", "rules.state", memory, rw},
    {"rules", "rules.answers", memory, rw},
    {"rules", "rules.edits", memory, rw},
    {"rules", "rules.early", memory, rw},
    {"rules", "rules.bumps", memory, rw},
    {"rules", "conntrack.state", memory, ro},
    {"rules", "conntrack.views", memory, ro},
    {"rules", "rules.nat_orders", memory, rw},
    {"rules", "rules.walk", memory, rw},
    {"rules", "nat.state", memory, ro},
    {"rules", "pool", memory, ro},
    {"rules", "ring.rules", memory, ro},
    {"rules", "ring.early", memory, ro},
    {"rules", "ring.sifted", memory, rw},
    {"rules", "ring.nat", memory, rw},
    {"rules", "pktio.desk", memory, ro},
    {"rules", "conntrack.desk", memory, ro},
    {"rules", "nat.desk", memory, ro},
    {"rules", "bell.rules", bell, rw},
    {"rules", "bell.pktio", bell, rw},
    {"rules", "bell.conntrack", bell, rw},
    {"rules", "bell.nat", bell, rw},

    {"nat", "config", memory, ro},
    {"nat", "lifeline", file, ro},
    {"nat", "nat.commit", memory, rw},
    {"nat", "nat.journal", memory, rw},
    {"nat", "nat.desk", memory, rw},
    {"nat", "nat.state", memory, rw},
    {"nat", "nat.edits", memory, rw},
    {"nat", "rules.nat_orders", memory, ro},
    {"nat", "conntrack.state", memory, ro},
    {"nat", "ring.nat", memory, ro},
    {"nat", "ring.confirm", memory, rw},
    {"nat", "rules.desk", memory, ro},
    {"nat", "conntrack.desk", memory, ro},
    {"nat", "bell.nat", bell, rw},
    {"nat", "bell.rules", bell, rw},
    {"nat", "bell.conntrack", bell, rw},

    // Places of services that are not there yet and not started.
    {"helpers", "config", memory, ro},
    {"helpers", "lifeline", file, ro},
    {"sync", "config", memory, ro},
    {"sync", "lifeline", file, ro},
    {"sync", "conntrack.state", memory, ro},
    {"sync", "conntrack.commit", memory, ro},
};

constexpr Inlet kInlets[] = {
    {"rules", "ring.early", 1}, {"conntrack", "ring.sifted", 0},  // or, without chains before conntrack,
    {"conntrack", "ring.track", 0}, {"rules", "ring.rules", 0}, {"nat", "ring.nat", 0},
    {"conntrack", "ring.confirm", 1}, {"pktio", "ring.home", 0},
};

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern) && name.size() > pattern.size();
}

}  // namespace

std::span<const Entry> manifest() { return kManifest; }

const Entry* entitled(std::string_view service, std::string_view object) {
  auto const found = std::ranges::find_if(
      kManifest, [&](const Entry& entry) { return entry.service == service && matches(entry.object, object); });
  return found == std::end(kManifest) ? nullptr : found;
}

std::span<const Inlet> inlets() { return kInlets; }

}  // namespace bulkhead::keeper
