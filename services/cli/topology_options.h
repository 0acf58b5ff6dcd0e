// services/cli/topology_options.h: the topology of a router out of a file and of options.
//
//   [[interface]]
//   name = "lan"
//   mac = "02:00:00:00:00:01"          # none: one is made up
//   mtu = 1500
//   addresses = ["10.0.0.1/24", "2001:db8::1/64"]
//   [[route]]
//   dst = "0.0.0.0/0"                  # or "default", which is IPv4's
//   via = "203.0.113.1"                # none: the destinations are neighbours
//   dev = "wan"                        # none: the interface whose network `via` is in
//   metric = 0
//   [[neighbour]]
//   addr = "203.0.113.1"
//   mac = "02:00:00:00:01:01"
//   dev = "wan"                        # none: the interface whose network the address is in
//
// Who     replay, and whoever forwards live.
// Errors  file, line and column, or the option; what was wanted. A key that is not known is an error.
#pragma once

#include <string>
#include <vector>

#include "common/base/topology.h"

namespace bulkhead::cli {

struct TopologyOptions {
  std::string file;                     // --config
  std::vector<std::string> addresses;   // --addr NAME=PREFIX
  std::vector<std::string> routes;      // --route PREFIX[,VIA]=NAME
  std::vector<std::string> neighbours;  // --neigh ADDR=MAC
  bool strict_mac = false;              // --strict-mac

  [[nodiscard]] bool any() const {
    return !file.empty() || !addresses.empty() || !routes.empty() || !neighbours.empty();
  }
};

/// `inputs`: interfaces that a capture comes in by; each is there afterwards, also without an address. Checked.
[[nodiscard]] Result<Topology> read_topology(const TopologyOptions& options, const std::vector<std::string>& inputs);

}  // namespace bulkhead::cli
