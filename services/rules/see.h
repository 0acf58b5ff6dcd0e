// services/rules/see.h: a descriptor and its frame as rules see a packet (common/rules/evaluation.h).
//
// Trust   offsets of the descriptor are checked against the frame. False: it is no IP packet, or it does not fit.
// Cost    copies at most 256 bytes of headers.
#pragma once

#include <optional>

#include "common/rules/evaluation.h"
#include "ipc/descriptor.h"

namespace bulkhead::rules {

[[nodiscard]] bool see(const Descriptor& descriptor, std::span<const uint8_t> frame, Evaluation& packet) noexcept;

/// As rules behind the router see it: one hop less to live, IPv4's traffic class by its TOS (Linux: ip_forward).
void pass_router(Evaluation& packet) noexcept;

}  // namespace bulkhead::rules
