// common/ruleset/run/field.h: bits out of a packet's bytes.
#pragma once

#include "common/ruleset/run/evaluation.h"

namespace bulkhead::ruleset::run {

/// `bits` from bit `offset` on of the byte `byte`, counted from the network header. False: beyond the packet.
[[nodiscard]] bool load_bits(const Evaluation& packet, size_t byte, unsigned offset, unsigned bits, Number& into) noexcept;

}  // namespace bulkhead::ruleset::run