// ipc/control/settings.h: what one instance was started with. The starter writes it once, everyone reads it.
//
// Who     whoever starts a holder encodes it into the sealed object `config`; keeper and services decode it at start.
// Trust   decode() checks every value against its limits, whoever wrote it.
// Source  schema/settings.capnp is the layout; a field added there keeps old readers working.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/topology.h"
#include "common/ruleset/facts.h"

namespace bulkhead::control {

inline constexpr size_t kMaxInterfaces = 64;

struct Settings {
  struct Interface {
    std::string name;
    bool has_input = false;  // object in.NAME is its capture; object out.NAME.pcap what leaves by it
    std::string path;        // of the capture, for messages
  };

  uint32_t ring = 4096;  // slots of each ring, and packets in the chain at most; a power of two, 16 to 65536
  uint32_t batch = 256;  // descriptors of one commit at most, 1 to 4096
  uint32_t flows = 262144;          // entries of the flow table, 1 to 2^24
  uint64_t seed = 0;                // of everything that is chance
  uint32_t spin_us = 50;            // how long an idle service looks again before it sleeps; 0: not at all
  uint32_t hang_ms = 2000;          // a service whose heartbeat stands still for so long is replaced
  uint64_t packets_per_second = 0;  // the pace at which pktio takes packets in; 0: as fast as it goes
  bool verdicts = true;             // write verdicts.jsonl (object out.verdicts.jsonl)
  bool strict_mac = false;          // a router takes frames to its own MAC addresses and to groups only
  bool answers_limited = true;      // ICMP errors, by peer and all together; for comparisons with a kernel that has no limits
  bool fast_lane = true;            // pktio forwards by itself what need not be judged again (ipc/state/lanes.h)
  std::vector<Interface> interfaces;  // bridge wiring: two; a packet that came in by one leaves by the other
  ruleset::Facts ruleset;             // none: everything passes
  /// The packet whose walk through the rules is written down (ipc/state/walk.h).
  struct Explained {
    uint32_t interface = 0;
    uint64_t packet = 0;  // counted from 1 within its capture; 0: none
  };
  Explained explained;
  Topology topology;                  // router wiring: interfaces the same ones in the same order; none: a bridge

  [[nodiscard]] std::vector<std::string> interface_names() const {
    std::vector<std::string> names;
    for (const Interface& interface : interfaces) names.push_back(interface.name);
    return names;
  }
};

/// Letters, digits and . _ - @, at most 64, so that it can stand in a file's and an object's name.
[[nodiscard]] bool is_interface_name(std::string_view name);
[[nodiscard]] Status check(const Settings& settings);

[[nodiscard]] std::vector<std::byte> encode(const Settings& settings);
[[nodiscard]] Result<Settings> decode(std::span<const std::byte> message);

}  // namespace bulkhead::control