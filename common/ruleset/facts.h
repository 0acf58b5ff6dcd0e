// common/ruleset/facts.h: what is to be known of a ruleset by who runs no rules: its text, sizes, and what it may do to flows.
//
// Who     compile/facts.h makes them of a program; settings carry them to every process; conntrack, nat and pktio go by them, and
//         rules makes the same program again of the text.
// Owner   plain values. This header needs no compiler, and no language.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/address.h"

namespace bulkhead::ruleset {

/// Packets that some rule may refuse with a TCP reset.
enum class Resets : uint8_t { none, others, any };  // others: such that are not of established flows

struct AddressRange {
  IpAddress low, high;  // both included
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
  bool views = false;          // asks for counts, status or expiry of flows
  bool translates = false;     // has chains of type nat
  bool early = false;          // and such that come before conntrack
  bool shows_choices = false;  // of nat, to chains behind it: rules waits for nat
  bool sets_tuples = false;    // addresses, or fields of the transport header
  Resets resets = Resets::none;  // packets whose flow it may close by refusing them
  /// Where a flow may come from, or go to, once it is translated. By packet::Part.
  std::array<std::vector<AddressRange>, 2> may_become;
};

}  // namespace bulkhead::ruleset
