// services/pktio/lanes/by_tuple.h: lanes, found by the tuple of a packet.
//
// Who     admission.h enters and removes them, judging.h finds them.
// Full    a flow that finds the bucket of one of its tuples full has no lane.
// Crash   all of it is pktio's object and changes in its batch (ipc/state/lanes.h).
#pragma once

#include <array>
#include <optional>

#include "common/base/hash.h"
#include "ipc/memory/commit.h"
#include "ipc/state/lanes.h"

namespace bulkhead::pktio {

class LanesByTuple {
 public:
  struct Hit {
    uint32_t flow;
    chain::Direction way;
    bool own = true;  // not: of what would answer it
  };
  /// Of a flow, by Direction.
  struct Keys {
    std::array<state::TupleWords, 2> tuples;
    std::array<uint64_t, 2> hashes;
  };

  /// `answers`: a packet's may be looked for by the tuple of its answer too (find_either()).
  LanesByTuple(state::LaneTable table, uint64_t seed, bool answers) : table_(table), hash_(seed), answers_(answers) {}

  /// 0: there is no fast lane.
  [[nodiscard]] uint64_t flows() const noexcept { return table_.flows(); }
  [[nodiscard]] uint64_t words() const noexcept { return table_.words(); }
  [[nodiscard]] memory::Word<uint64_t>& word(uint64_t i) noexcept { return table_.word(i); }
  [[nodiscard]] state::Lane& lane(uint32_t flow) noexcept { return table_.lane(flow); }
  [[nodiscard]] uint64_t hash(const packet::Tuple& tuple) const noexcept { return hash_(tuple); }

  [[nodiscard]] std::optional<Hit> find(const packet::Tuple& tuple, uint64_t hash) const noexcept;
  /// Or the flow of its answer, of which it may turn out to be no packet: then what is said about it is one (conntrack's Track::related()).
  [[nodiscard]] std::optional<Hit> find_either(const packet::Tuple& tuple, uint64_t hash) const noexcept;

  /// Two steps ahead of a find: where a packet's flow would stand; and once that has come, its lane.
  [[nodiscard]] uint64_t look_ahead(const packet::Headers& headers) const noexcept;
  void look_near(uint64_t hash) const noexcept;

  /// Under both tuples, without a plan. False: there is no place for one of them.
  [[nodiscard]] bool enter(uint32_t flow, const Keys& keys, memory::Batch& batch);
  void remove(uint32_t flow, memory::Batch& batch);

 private:
  [[nodiscard]] bool insert(uint32_t flow, chain::Direction way, uint64_t hash, memory::Batch& batch);
  void erase(uint32_t flow, chain::Direction way, memory::Batch& batch);

  state::LaneTable table_;
  TupleHash hash_;
  bool answers_;
};

}  // namespace bulkhead::pktio
