// services/cli/topology_file.h: a topology from words, one after another; and from a TOML file.
//
// Errors  add(): what is wrong with these words. read_topology_file(): FILE:LINE:COLUMN before it.
#pragma once

#include <string>

#include "common/base/topology.h"

namespace bulkhead::cli {

class TopologyBuilder {
 public:
  struct Route {
    std::string destination, via, device;  // via, device: may be empty
    uint32_t metric;
  };
  struct Neighbour {
    std::string address, mac, device;  // device: may be empty
  };
  /// The interface of that name; a new one gets a made-up MAC address.
  Topology::Interface& interface(const std::string& name);
  Status add(const Route& words);
  Status add(const Neighbour& words);

  Topology topology;

 private:
  [[nodiscard]] Result<uint16_t> device(const std::string& name, const IpAddress& next_to) const;
};

[[nodiscard]] Status read_topology_file(const std::string& path, TopologyBuilder& builder);

}  // namespace bulkhead::cli
