// common/ruleset/run/fib.h: `fib saddr . iif oif`, `rt mtu`: a look into the routing table, which rules have a pointer to.
//
// Step    offset: what is looked up, bits of Ask. Devices are numbered as interfaces are: from 1; 0: there is no way.
// Source  Linux nft_fib_ipv4.c, nft_fib_ipv6.c, __inet_dev_addr_type; no policy routing, so marks change nothing.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset::run {

enum Ask : uint32_t { ask_destination = 1, ask_in = 2, ask_out = 4, ask_presence = 8 };

Next fib_oif(const Step& step, Evaluation& packet) noexcept;      // number, or 1 if there is one
Next fib_oifname(const Step& step, Evaluation& packet) noexcept;  // name, or 1
/// Of TCP, as the way there and the way back let through. nft_rt.c: get_tcpmss
Next route_mss(const Step& step, Evaluation& packet) noexcept;
Next fib_type(const Step& step, Evaluation& packet) noexcept;     // RTN_*

}  // namespace bulkhead::ruleset::run