// common/ruleset/run/fib.h: `fib saddr . iif oif`, `rt mtu`: a look into the routing table, which rules have a pointer to.
//
// Step    offset: what is looked up, bits of Ask. Devices are numbered as interfaces are: from 1; 0: there is no way.
// Source  Linux nft_fib_ipv4.c, nft_fib_ipv6.c, __inet_dev_addr_type; no policy routing, so marks change nothing.
#pragma once

#include "common/ruleset/operations.h"

namespace bulkhead::ruleset::run {

enum Ask : uint32_t { ask_destination = 1, ask_in = 2, ask_out = 4, ask_presence = 8 };

extern const StepOperation fib_oif;      // number, or 1 if there is one
extern const StepOperation fib_oifname;  // name, or 1
extern const StepOperation fib_type;     // RTN_*
/// Of TCP, as the way there and the way back let through. nft_rt.c: get_tcpmss
extern const StepOperation route_mss;

}  // namespace bulkhead::ruleset::run
