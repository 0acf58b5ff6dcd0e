// common/ruleset/compile/reach.h: how deep jumps go, how many state words one packet may change on its way, and whose they are.
//
// Who     the compiler, once steps and sets stand. Program::changes is what a batch needs room for, for each packet.
// Errors  jumps that go round or deeper than the kernel allows; a way that changes more than kChangesMost words.
#pragma once

#include "common/base/result.h"
#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

inline constexpr uint32_t kChangesMost = 1 << 22;

[[nodiscard]] Status measure(Program& program);

/// Chains that a step may go to.
[[nodiscard]] std::vector<uint32_t> targets_of(const Program& program, const Step& step);

/// A chain that is met before conntrack and sets header fields; null: none.
[[nodiscard]] const CompiledChain* early_edit(const Program& program);

/// And one that counts connections.
[[nodiscard]] const CompiledChain* early_count(const Program& program);

/// Do chains before conntrack and others change or read the same state? Refusals are such: peers' limits are one for all.
[[nodiscard]] bool early_shares(const Program& program);
/// Have chains before conntrack any state in which it matters who comes first?
[[nodiscard]] bool early_orders(const Program& program);

}  // namespace bulkhead::ruleset