// common/ruleset/compile/steady.h: does a flow's next packet fare as this one did?
//
// What    a rule is steady up to the first step that asks for something by which two packets of a flow, in one direction, may differ
//         (length, TTL, TCP flags, payload, time, chance, counts), or that remembers something (limits, quotas, sets, queues). A packet
//         that met only steady steps is steady (Evaluation::steady); counters it has bumped are listed.
//         Where no rule lets a packet pass any more (CompiledChain::lost_from), what is not steady has no part in its verdict; a
//         packet is dropped for certain, if nothing else that was not steady has (Evaluation::certain).
// Who     the compiler marks rules and classifiers; evaluate.cc looks; pktio's fast lane forwards what is steady.
// Which   packets of TCP and UDP flows without IP options that came by the same interface, TCP's with no flag but ACK set or with PSH, ECE,
//         CWR beside it: others nobody takes for the same.
#pragma once

#include "common/ruleset/run/program.h"

namespace bulkhead::ruleset {

void mark_steady(Program& program);

}  // namespace bulkhead::ruleset