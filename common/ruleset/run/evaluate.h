// common/ruleset/run/evaluate.h: a packet through the base chains of one hook.
//
// Order   by priority; of equal ones the chain that was added last runs first. Accept ends a base chain, drop ends all.
// Limits  sixteen jumps deep, as the kernel; a ruleset that goes deeper or round is refused when it is compiled.
// Source  Linux nft_do_chain, nf_hook_slow.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

/// For `bulkhead explain`: told of each rule that was tried. `matched`: all its steps went on, or decided.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;
  virtual void tried(uint32_t rule, bool matched) = 0;
  virtual void policy(uint32_t chain) = 0;
};

/// Of a hook's base chains: those that see fragments one by one; others before conntrack; those behind it.
enum class Share : uint8_t { pieces, early, tracked };

/// A packet that conntrack has not seen has no flow, and counts as invalid.
[[nodiscard]] FlowView untracked_yet() noexcept;

/// The verdict stands in the packet: accept (also where no chain is), drop, or reject. Before conntrack packet.flow began as
/// untracked_yet().
void evaluate(const Program& program, At hook, Evaluation& packet, Watcher* watcher = nullptr,
              Share share = Share::tracked) noexcept;

}  // namespace bulkhead::ruleset