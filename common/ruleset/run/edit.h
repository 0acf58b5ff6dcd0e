// common/ruleset/run/edit.h: header fields that rules set: in Evaluation::head, where later rules and whoever sends it see them.
//
// Step    to: register of the value; offset and bits: the field, from the header's first bit on; a: where in the header its own
//         checksum lies, in bytes, 0: nobody keeps one; b: kPseudoHeader, kSctp.
// Sums    change by what the field's words were and are, and never become all-zero; SCTP's is made anew when the packet leaves.
// Result  a field or checksum beyond Evaluation::head leaves the rule, as the kernel's NFT_BREAK.
// Source  Linux nft_payload_set_eval, nft_exthdr_tcp_set_eval; nftables' proto.c says which header has which checksum.
#pragma once

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

inline constexpr unsigned kPseudoHeader = 1;  // the transport's checksum covers the field
inline constexpr unsigned kSctp = 2;

extern const StepOperation set_network_field, set_transport_field;

}  // namespace bulkhead::ruleset::run
