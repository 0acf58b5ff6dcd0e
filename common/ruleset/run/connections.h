// common/ruleset/run/connections.h: the connections that `ct count` counts: lists in words of shared state.
//
// Shape   a list is three words: first and last node, and how many there are. A node is two: the flow (generation << 32 | its
//         index plus 1; 0: of a packet that is of none), and the next node. An invalid packet that has the tuple of a flow's answers
//         counts apart from that (kAnswer). Places are words; 0: none. All lists share a pool: two
//         words, nodes that were given back and how many were ever used, and the nodes. Of each flow one word says whether it is
//         there: its generation << 32, and bit 0 once TCP has closed it.
// Counts  as the kernel's list: oldest first. Who asks walks it up to its own flow, and lets go of those that are gone or closed,
//         nine at most; one that is not in it is added. So flows that have ended count until somebody else asks.
// Owner   rules: which flows are there it is told with each number (services/rules/decide.h).
// Differs the kernel looks at no list twice within a tick of its clock, so that a flow with two packets in one counts twice.
// Source  Linux nf_conncount.c (__nf_conncount_add), nft_connlimit.c.
#pragma once

#include "common/ruleset/run/evaluation.h"

namespace bulkhead::ruleset {

class ConnectionLists {
 public:
  static constexpr uint32_t kListWords = 3, kPoolWords = 2, kNodeWords = 2;
  static constexpr unsigned kLetGoMost = 9;
  static constexpr uint8_t kChanges = kLetGoMost * 6 + 8;  // of add()
  static constexpr uint8_t kChangesToGiveBack = 2;
  static constexpr uint64_t kClosed = 1;  // of a flow's word
  static constexpr uint32_t kAnswer = 1U << 31;  // of the flow in a node

  /// `pool`: its first word.
  ConnectionLists(StateWords& state, const Connections& where, uint32_t pool) : state_(state), where_(where), pool_(pool) {}

  /// False: there is no room. `flow`: as a node has it.
  [[nodiscard]] bool add(uint32_t list, uint64_t flow) noexcept;
  [[nodiscard]] uint64_t count(uint32_t list) const noexcept { return state_.get(list + kCount); }
  /// All nodes of a list that nobody asks any more; its words are the caller's.
  static void give_back(StateWords& state, uint32_t pool, uint32_t list) noexcept;

 private:
  enum Part : uint32_t { kFirst, kLast, kCount };
  [[nodiscard]] static uint32_t next_of(uint32_t node) noexcept { return node + 1; }
  [[nodiscard]] bool is_node(uint64_t place) const noexcept;
  /// 0: it has gone.
  [[nodiscard]] uint64_t word_of(uint64_t flow) const noexcept;
  void let_go(uint32_t list, uint32_t before, uint32_t node) noexcept;
  [[nodiscard]] uint32_t take() noexcept;

  StateWords& state_;
  const Connections& where_;
  uint32_t pool_;
};

}  // namespace bulkhead::ruleset
