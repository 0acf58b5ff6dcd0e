// common/ruleset/run/option.h: fields of options, of SCTP's chunks and of IPv6 extension headers, which have to be looked for.
//
// Step    a: kind of the option, or number of the header; b: 1 if only asked whether it is there (1 or 0 into the register);
//         otherwise offset and bits of the field, from the option's first bit on. What is not there leaves the rule,
//         and so does the other IP version.
// Trust   every length is checked against the packet; the search goes forward by at least a byte each time.
// Source  Linux nft_exthdr.c, __ip_options_compile, ipv6_find_hdr.
#pragma once

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

extern const StepOperation tcp_option, ip_option, sctp_chunk, ip6_header;
/// A field of 16 or 32 bits from the register; a maximum segment size only becomes less. No such option: goes on.
extern const StepOperation set_tcp_option;
/// No-operations where the option stood; one that is cut short drops the packet.
extern const StepOperation strip_tcp_option;

}  // namespace bulkhead::ruleset::run
