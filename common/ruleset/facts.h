// common/ruleset/facts.h: what is to be known of a ruleset by who runs no rules: its text, sizes, and what it may do to flows.
//
// Who     compile/facts.h makes them of a program; settings carry them to every process; conntrack, nat and pktio go by them, and
//         rules makes the same program again of the text.
// Owner   plain values. This header needs no compiler, and no language.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/address.h"

namespace bulkhead::ruleset {

/// Packets that some rule may refuse with a TCP reset.
enum class Resets : uint8_t { none, others, any };  // others: such that are not of established flows

struct AddressRange {
  IpAddress low, high;  // both included
};

/// What `ct timeout NAME` says: seconds, of the states that it names.
struct TimeoutPolicy {
  static constexpr std::array<std::string_view, 13> kStates{"syn_sent",  "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait",
                                                            "close", "syn_sent2", "retrans", "unack", "unreplied", "replied"};
  struct State {
    uint8_t which;  // in kStates
    uint32_t seconds;
  };
  uint8_t protocol = 0;  // TCP or UDP: others' flows are not given it
  std::vector<State> states;
};

struct Facts {
  struct Rule {
    std::string family, table, chain;
    uint64_t handle = 0;
  };
  std::string text;            // as `nft list ruleset` prints it; empty: there is no ruleset
  std::vector<Rule> rules;     // in the order in which its compilation numbers them
  uint32_t words = 0;          // of state that it has: counters, quotas, limits, elements of sets
  uint32_t changes = 0;        // of them, by one packet at most
  bool marks = false;          // and one for each flow: ct mark
  bool labels = false;         // and three: ct label
  uint32_t counts = 0;         // lists of connections that it counts
  bool views = false;          // asks for counts, status or expiry of flows
  std::vector<TimeoutPolicy> timeouts;  // that it gives flows
  bool translates = false;     // has chains of type nat
  bool early = false;          // and such that come before conntrack
  bool pieces = false;         // of these, such that see fragments one by one
  std::array<bool, 2> reassembles{true, true};  // IPv4's and IPv6's fragments are put together: something tracks
  bool shows_choices = false;  // of nat, to chains behind it: rules choose the same before
  bool sets_zones = false;     // of flows, before conntrack
  bool copies = false;         // sends copies of packets, or the packets themselves, elsewhere: `dup`, `fwd`
  bool sets_tuples = false;    // addresses, or fields of the transport header
  Resets resets = Resets::none;  // packets whose flow it may close by refusing them
  /// Where a flow may come from, or go to, once it is translated. By packet::Part.
  std::array<std::vector<AddressRange>, 2> may_become;
};

}  // namespace bulkhead::ruleset
