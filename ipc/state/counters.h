// ipc/state/counters.h: what passes a stage, counted; and the object of rules.
//
// Who     that stage writes, in its batch; the keeper reads single words.
#pragma once

#include <array>

#include "ipc/memory/object.h"
#include "ipc/memory/word.h"

namespace bulkhead::state {

/// What passes a stage.
struct Counts {
  memory::Word<uint64_t> packets;
  memory::Word<uint64_t> bytes;       // of layer 3
  memory::Word<uint64_t> events;      // numbered events that are no packets
  memory::Word<uint64_t> dropped;     // passed on with a verdict of drop
  memory::Word<uint64_t> flows_gone;  // deletions seen
  std::array<memory::Word<uint64_t>, 8> states;  // packets by FlowState
};

/// How often the firewall may still speak to one address (Linux: inet_peer).
struct alignas(64) AnswerPeer {
  memory::Word<uint64_t> key;         // keyed hash of the address; 0: nobody's
  memory::Word<uint64_t> tokens;      // jiffies, as the next
  memory::Word<uint64_t> last;        // packet time of the last refill
};

struct RulesState {
  static constexpr memory::Layout kLayout = memory::Layout::rules_state;
  static constexpr uint32_t kVersion = 2;
  static constexpr size_t bytes_for(uint64_t words) { return sizeof(RulesState) + words * sizeof(memory::Word<uint64_t>); }
  static constexpr size_t kPeers = 1024;

  memory::ObjectHeader header;
  alignas(64) Counts counts;
  alignas(64) memory::Word<uint64_t> answers;         // ICMP errors that were said
  memory::Word<uint64_t> answers_withheld;            // and those that a limit forbade
  memory::Word<uint64_t> all_tokens, all_last_ns;     // of the limit over everyone
  std::array<AnswerPeer, kPeers> peers;

  /// Of the ruleset: counters, quotas, limits, elements of sets, then what is kept of each flow (flow_words.h); header.capacity of them. All 0 at first:
  /// what a statement begins with is added where it is read. Behind them, where chains see what nat chooses, the bindings that nat will have
  /// (ipc/state/bindings.h: foreseen_bindings()).
  [[nodiscard]] memory::Word<uint64_t>* words() { return reinterpret_cast<memory::Word<uint64_t>*>(this + 1); }
  [[nodiscard]] const memory::Word<uint64_t>* words() const { return reinterpret_cast<const memory::Word<uint64_t>*>(this + 1); }
};

}  // namespace bulkhead::state