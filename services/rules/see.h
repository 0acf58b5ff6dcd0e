// services/rules/see.h: a descriptor and its frame as rules see a packet (common/ruleset/run/evaluation.h).
//
// Trust   offsets of the descriptor are checked against the frame. False: it is no IP packet, or it does not fit.
// Cost    copies 256 bytes of headers, more only where extension headers push the transport's beyond.
#pragma once

#include <optional>

#include "common/ruleset/run/evaluation.h"
#include "ipc/chain/descriptor.h"
#include "ipc/state/flow_views.h"

namespace bulkhead::rules {

using ruleset::Wiring;

[[nodiscard]] bool see(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, ruleset::Evaluation& packet) noexcept;

/// Whatever it carries, as chains of the link layer see it. `seen`: what see() said, which is called first.
void see_frame(const chain::Descriptor& descriptor, std::span<const uint8_t> frame, bool seen, Wiring wiring, ruleset::Evaluation& packet) noexcept;

/// The flow whose tuple a packet has that is of none, for those that count connections.
void see_meant(const state::FlowNow& now, ruleset::FlowView& flow) noexcept;
/// And the zones, of a packet's own flow.
void see_view(const state::FlowNow& now, ruleset::FlowView& flow) noexcept;
void see_counts(const state::FlowNow& now, ruleset::FlowView& flow) noexcept;

/// As rules behind the router see it: one hop less to live, IPv4's traffic class by its TOS (Linux: ip_forward).
void pass_router(ruleset::Evaluation& packet) noexcept;

}  // namespace bulkhead::rules
