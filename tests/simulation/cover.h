// tests/simulation/cover.h: which kinds of change to the flow table a batch of conntrack made, and pktio's to its fragments and lanes.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "ipc/state/flow_table.h"
#include "ipc/state/lanes.h"
#include "services/pktio/fragments.h"

namespace bulkhead::test {

struct Cover {
  uint64_t made = 0, known = 0, replaced = 0, swept = 0, confirmed = 0, dropped = 0, evicted = 0;

  [[nodiscard]] bool complete() const { return kinds() == 127; }
  /// Has this one a kind that the other has not?
  [[nodiscard]] bool adds_to(const Cover& other) const { return (kinds() & ~other.kinds()) != 0; }
  [[nodiscard]] std::string text() const {
    return fmt::format("{} flows made, {} seen again, {} replaced or closed, {} swept, {} confirmed, {} dropped, "
                       "{} evicted",
                       made, known, replaced, swept, confirmed, dropped, evicted);
  }

 private:
  [[nodiscard]] unsigned kinds() const {
    unsigned bits = 0;
    for (uint64_t count : {made, known, replaced, swept, confirmed, dropped, evicted})
      bits = bits << 1 | (count != 0);
    return bits;
  }
};

/// Batches of pktio in which a datagram got or lost fragments, and such that gave cells back.
struct FragmentCover {
  uint64_t changed = 0, given_back = 0;
  [[nodiscard]] bool complete() const { return changed != 0 && given_back != 0; }
};

/// Its chains as they were.
class FragmentsBefore {
 public:
  explicit FragmentsBefore(const pktio::FragmentLinks& links) : was_(chains(links)), free_(links.free_last.load()) {}
  void compare(const pktio::FragmentLinks& now, FragmentCover& cover) const {
    cover.changed += chains(now) != was_;
    cover.given_back += now.free_last.load() != free_;
  }

 private:
  static std::vector<uint32_t> chains(const pktio::FragmentLinks& links) {
    std::vector<uint32_t> all;
    for (const auto& one : links.datagrams) all.push_back(one.last.load());
    return all;
  }
  std::vector<uint32_t> was_;
  uint32_t free_;
};

/// Batches of pktio by which packets went by the fast lane, lanes were made, and flows went back into the chain; and of conntrack,
/// which took them over.
struct LaneCover {
  uint64_t went = 0, made = 0, left = 0, taken_over = 0;
  [[nodiscard]] bool complete_for_pktio() const { return went != 0 && made != 0 && left != 0; }
  [[nodiscard]] bool adds_to(const LaneCover& other) const {
    return (went != 0 && other.went == 0) || (made != 0 && other.made == 0) || (left != 0 && other.left == 0) ||
           (taken_over != 0 && other.taken_over == 0);
  }
};

class LanesBefore {
 public:
  LanesBefore(const state::PktioState& pktio, const state::ConntrackState& conntrack) : was_(look(pktio, conntrack)) {}
  void compare(const state::PktioState& pktio, const state::ConntrackState& conntrack, LaneCover& cover) const {
    LaneCover const is = look(pktio, conntrack);
    cover.went += is.went - was_.went;
    cover.made += is.made > was_.made;
    cover.left += is.left > was_.left;
    cover.taken_over += is.taken_over != was_.taken_over;
  }

 private:
  static LaneCover look(const state::PktioState& pktio, const state::ConntrackState& conntrack) {
    LaneCover all;
    state::LaneTable const lanes(pktio, pktio.header.bytes);
    all.went = pktio.lane_packets.load();
    for (uint64_t i = 0; i < lanes.flows(); ++i) {
      all.made += lanes.lane(i).generation.load() != 0;
      all.left += lanes.lane(i).away.load() != 0;
      all.taken_over += conntrack.entries(conntrack.header.capacity)[i].adopted.load();
    }
    return all;
  }
  LaneCover was_;
};

/// The table as it was, to be compared with what it has become.
class TableBefore {
 public:
  explicit TableBefore(const state::ConntrackState& state)
      : made_(state.generations.load()),
        gone_(state.gone_count.load()),
        expired_(state.expired.load()),
        evicted_(state.evicted.load()) {
    for (uint64_t i = 0; i < state.header.capacity; ++i) flows_.push_back(flow(state, i));
  }

  void compare(const state::ConntrackState& now, Cover& cover) const {
    uint64_t const swept = now.expired.load() - expired_;
    cover.made += now.generations.load() - made_;
    cover.swept += swept;
    uint64_t const gone = now.gone_count.load() - gone_;
    uint64_t const evicted = now.evicted.load() - evicted_;
    cover.evicted += evicted;
    cover.replaced += gone - swept - evicted;
    for (uint64_t i = 0; i < flows_.size(); ++i) {
      Flow const was = flows_[i], is = flow(now, i);
      if (was.generation == is.generation && is.packets > was.packets) ++cover.known;
      if (was.created != is.created || (was.status & state::Status32::used) == 0) continue;
      if ((was.status & state::Status32::confirmed) != 0) continue;
      if ((is.status & state::Status32::confirmed) != 0) ++cover.confirmed;
      if (is.status == 0) ++cover.dropped;
    }
  }

 private:
  struct Flow {
    uint64_t created, packets;
    uint32_t status, generation;
  };
  static Flow flow(const state::ConntrackState& state, uint64_t index) {
    const state::FlowEntry& entry = state.entries(state.header.capacity)[index];
    return {entry.created.load(), entry.counters[0].packets.load() + entry.counters[1].packets.load(),
            entry.status.load(), entry.generation.load()};
  }

  uint32_t made_;
  uint64_t gone_, expired_, evicted_;
  std::vector<Flow> flows_;
};

}  // namespace bulkhead::test
