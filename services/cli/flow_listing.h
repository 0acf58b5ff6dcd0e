// services/cli/flow_listing.h: the flow table as `conntrack -L -o extended` prints it.
//
// Form    one flow a line, oldest first:
//         ipv4     2 udp      17 29 src=10.0.0.1 dst=192.0.2.1 sport=1 dport=53 packets=1 bytes=48 [UNREPLIED]
//         src=... dst=... sport=53 dport=1 packets=0 bytes=0 mark=0 use=1
// Time    the seconds that a flow has left are counted from `now_ns`, a time of the packet clock; flows that have
//         none left are not listed.
// Errors  an entry that will not keep still is counted in `skipped`, never shown torn.
// Source  conntrack-tools; libnetfilter_conntrack snprintf_default.c.
#pragma once

#include <string>

#include "common/base/result.h"
#include "ipc/state/counters.h"
#include "ipc/state/flow_table.h"
#include "ipc/state/lanes.h"

namespace bulkhead::cli {

struct FlowListing {
  std::string text;
  uint64_t flows = 0;
  uint64_t skipped = 0;
};
/// Where flows' marks are: words of rules.state from `first` on, as common/ruleset/run/mark.cc writes them.
struct FlowMarks {
  const state::RulesState* state = nullptr;  // null: nobody sets marks
  uint32_t first = 0;
  [[nodiscard]] uint32_t of(uint64_t flow, uint32_t generation) const;
};
[[nodiscard]] FlowListing list_flows(const state::ConntrackState& state, const memory::CommitArea& area, const state::LaneTable& lanes, uint64_t now_ns,
                                     const FlowMarks& marks = {});

[[nodiscard]] std::string flow_line(const state::FlowSnapshot& flow, uint64_t now_ns);

/// list_flows() into a file. Gives the number of flows.
[[nodiscard]] Result<uint64_t> write_flow_listing(const std::string& path, const state::ConntrackState& state,
                                                  const memory::CommitArea& area, const state::LaneTable& lanes, uint64_t now_ns, const FlowMarks& marks);

}  // namespace bulkhead::cli
