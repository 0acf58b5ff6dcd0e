// services/pktio/out/verdict_line.h: one line of verdicts.jsonl.
//
//   {"n":17,"in":"lan","time":"1700000000.000123456","verdict":"accept","out":"wan","state":"new"}
//   {"n":18,"in":"lan","time":"1700000000.000123999","verdict":"drop","reason":"malformed","state":"invalid"}
//
//   {"n":19,"in":"lan","time":"1700000000.000124000","verdict":"drop","rule":{"family":"inet","table":"fw","chain":"forward",
//    "handle":9},"state":"new"}
//
//   {"n":20,"in":"lan","time":"1700000000.000125000","verdict":"accept","out":"wan","state":"new",
//    "nat":{"src":"203.0.113.1:40001"}}
//
// Units   n: counted from 1 over all inputs. time: seconds of the packet's clock, always nine digits behind
//         the point.
// Order   bytes of a line depend on nothing but its Verdict; names are escaped as JSON wants (RFC 8259), so a
//         line is valid JSON if they are UTF-8.
// Thread  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/packet/nat_range.h"

namespace bulkhead::pktio {

struct VerdictLine {
  uint64_t n;
  std::string_view in;  // interface
  uint64_t stamp_ns;
  std::string_view verdict;  // accept, forward, drop, reject
  std::string_view out;      // interface; empty: no "out"
  std::string_view reason;   // empty: no "reason"
  std::string_view state;    // new, established, related, invalid, untracked
  std::string_view rule{};   // JSON of the rule that decided, as it is; empty: no "rule"
  std::string_view nat_source{}, nat_destination{};  // as translated; both empty: no "nat"
};

/// Room that is enough for any endpoint.
inline constexpr size_t kEndpointMost = 64;
/// "203.0.113.1:40001", "[2001:db8::1]:80", or the address alone where the protocol has no ports.
[[nodiscard]] std::string_view endpoint(std::span<char> into, const packet::Tuple& tuple, packet::Part part) noexcept;

/// Room that is enough for any line without a rule whose texts have together at most 64 bytes (each may need six when
/// escaped).
inline constexpr size_t verdict_line_max = 128 + 64 * 6;

/// Writes the line with its newline to the front of `into`. Returns its bytes; 0 if it does not fit.
[[nodiscard]] size_t format_verdict_line(std::span<char> into, const VerdictLine& verdict) noexcept;

}  // namespace bulkhead::pktio
