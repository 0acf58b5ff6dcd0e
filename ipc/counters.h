// ipc/counters.h: the objects of stages that count what passes: rules and nat.
//
// Who     that stage writes, in its batch; the keeper reads single words.
#pragma once

#include <array>

#include "ipc/object.h"
#include "ipc/word.h"

namespace bulkhead {

template <Layout layout>
struct CountingState {
  static constexpr Layout kLayout = layout;
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t bytes_for(uint64_t) { return sizeof(CountingState); }

  ObjectHeader header;
  alignas(64) Word<uint64_t> packets;
  Word<uint64_t> bytes;       // of layer 3
  Word<uint64_t> events;      // numbered events that are no packets
  Word<uint64_t> dropped;     // passed on with a verdict of drop
  Word<uint64_t> flows_gone;  // deletions seen
  std::array<Word<uint64_t>, 8> states;  // packets by FlowState
};

using RulesState = CountingState<Layout::rules_state>;
using NatState = CountingState<Layout::nat_state>;

}  // namespace bulkhead
