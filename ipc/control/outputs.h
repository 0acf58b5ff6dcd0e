// ipc/control/outputs.h: the files that a replay writes, by number and by name.
//
// Order   each interface's, in the settings' order; drops.pcap; local.pcap, of a router; verdicts.jsonl, if it is wanted.
#pragma once

#include <string>
#include <vector>

#include "ipc/control/settings.h"

namespace bulkhead::control {

inline constexpr size_t kMaxOutputs = kMaxInterfaces + 3;

struct Outputs {
  static constexpr size_t kNone = ~size_t{0};

  explicit Outputs(const Settings& settings) {
    for (const auto& interface : settings.interfaces) names.push_back(interface.name + ".pcap");
    drops = add("drops.pcap", true);
    local = add("local.pcap", settings.topology.is_router());
    verdicts = add("verdicts.jsonl", settings.verdicts);
  }
  size_t drops, local, verdicts;  // kNone: there is no such file
  std::vector<std::string> names;

 private:
  size_t add(const char* name, bool wanted) {
    if (!wanted) return kNone;
    names.emplace_back(name);
    return names.size() - 1;
  }
};

}  // namespace bulkhead::control