// services/rules/see.h: a descriptor and its frame as rules see a packet (common/rules/evaluation.h).
//
// Trust   offsets of the descriptor are checked against the frame. False: it is no IP packet, or it does not fit.
// Cost    copies at most 256 bytes of headers.
#pragma once

#include <optional>

#include "common/rules/evaluation.h"
#include "ipc/descriptor.h"
#include "ipc/flow_views.h"

namespace bulkhead::rules {

[[nodiscard]] bool see(const Descriptor& descriptor, std::span<const uint8_t> frame, Evaluation& packet) noexcept;

/// What track said of the flow; nothing where it said nothing.
void see_counts(const Descriptor& descriptor, FlowViews& views, uint64_t window, FlowView& flow) noexcept;

/// As rules behind the router see it: one hop less to live, IPv4's traffic class by its TOS (Linux: ip_forward).
void pass_router(Evaluation& packet) noexcept;

}  // namespace bulkhead::rules
