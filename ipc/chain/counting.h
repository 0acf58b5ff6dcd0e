// ipc/chain/counting.h: the Work of a stage that counts what passes (ipc/chain/pass.h), over its Counts.
//
// Who     rules and nat.
// Crash   counts of one batch are gathered on the heap and set in its journal at its end: a batch that never
//         happened has counted nothing.
#pragma once

#include <array>

#include "ipc/chain/descriptor.h"
#include "ipc/chain/pass.h"
#include "ipc/memory/commit.h"
#include "ipc/state/counters.h"

namespace bulkhead::chain {

class Counting {
 public:
  static constexpr size_t kWordsEnd = 16;

  explicit Counting(state::Counts& counts) : counts_(counts) {}

  [[nodiscard]] static size_t words_each() { return 0; }
  void visit(const Descriptor& descriptor, memory::Batch&) noexcept {
    gathered_.flows_gone += descriptor.gone_count;
    if (descriptor.kind != Kind::packet) return void(++gathered_.events);
    ++gathered_.packets;
    gathered_.bytes += descriptor.l3_length;
    gathered_.dropped += descriptor.verdict == Verdict::drop;
    ++gathered_.states[static_cast<size_t>(descriptor.state) & 7];
  }

  void end(memory::Batch& batch) noexcept {
    add(batch, counts_.packets, gathered_.packets);
    add(batch, counts_.bytes, gathered_.bytes);
    add(batch, counts_.events, gathered_.events);
    add(batch, counts_.dropped, gathered_.dropped);
    add(batch, counts_.flows_gone, gathered_.flows_gone);
    for (size_t i = 0; i < gathered_.states.size(); ++i) add(batch, counts_.states[i], gathered_.states[i]);
    gathered_ = {};
  }

 private:
  static void add(memory::Batch& batch, memory::Word<uint64_t>& word, uint64_t more) noexcept {
    if (more != 0) batch.add(word, more);
  }

  struct Gathered {
    uint64_t packets, bytes, events, dropped, flows_gone;
    std::array<uint64_t, 8> states;
  };
  state::Counts& counts_;
  Gathered gathered_{};
};

}  // namespace bulkhead::chain