// common/ruleset/run/edit.h: header fields that rules set: in Evaluation::head, where later rules and whoever sends it see them.
//
// Step    to: register of the value; offset and bits: the field, from the header's first bit on; a: where in the header its own
//         checksum lies, in bytes, 0: nobody keeps one; b: kPseudoHeader, kSctp, kReads.
// Sums    change by what the field's words were and are, and never become all-zero; SCTP's is made anew when the packet leaves.
//         Raw payload (`@th,0,16 set`) leaves them alone, but for the transport's behind it (`@ih`).
// Result  a field or checksum beyond the packet leaves the rule, as the kernel's NFT_BREAK.
// Source  Linux nft_payload_set_eval, nft_exthdr_tcp_set_eval; nftables' proto.c says which header has which checksum.
#pragma once

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

inline constexpr unsigned kPseudoHeader = 1;  // the transport's checksum covers the field
inline constexpr unsigned kSctp = 2;
inline constexpr unsigned kReads = 4;  // it says how the packet is to be read: the next chain reads it anew

extern const StepOperation set_network_field, set_transport_field;

/// Behind the transport's header: TCP, UDP, GRE, IP in IP. inner.cc
extern const StepOperation inner_field, set_inner_field;

/// From `base` on, in bytes of the packet.
Next set_field(const Step& step, Evaluation& packet, size_t base) noexcept;
/// What rules have set of how the packet is to be read, for the chains behind.
void read_again(Evaluation& packet) noexcept;

}  // namespace bulkhead::ruleset::run
