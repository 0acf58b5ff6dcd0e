// services/rules/ip_options.h: IPv4's options, which a router reads, fills in, and repeats in what it says about a packet.
//
// Before  the route is known. After: forward or input; what is changed lies in the copy of the headers that hooks see.
// Who     decide.cc.
// Units   bytes, from the first one of the header; addresses and times in network order.
// Trust   the span is the whole header, as its length says: 20 to 60 bytes.
// Source  RFC 791 3.1, RFC 1812 5.2.4.1; Linux __ip_options_compile, ip_rcv_options, ip_forward_options, __ip_options_echo,
//         ip_options_build; accept_source_route 0, no NetLabel.
#pragma once

#include <array>
#include <span>

#include "common/base/topology.h"

namespace bulkhead::rules {

struct IpOptions {
  bool bad = false;                 // something in them cannot be
  uint8_t problem = 0;              // bad: where
  // Where the first one of a kind begins; 0: there is none.
  uint8_t source_route = 0, record_route = 0, time_stamp = 0, security = 0;
  bool records = false;             // the route's record has room for an address
  bool stamps_address = false, stamps_time = false;
  bool changed = false;             // and the header's checksum does not say so yet
  uint8_t length = 0;               // of all; 0: there are none, or nobody has read them
};

struct OptionWorld {
  const Routes& routes;
  IpAddress own;    // the address that the packet is received with, as far as its sender knows
  uint64_t time_ns;
};

/// Reads them, and fills in what a receiver does.
[[nodiscard]] IpOptions read_options(std::span<uint8_t> header, const OptionWorld& world) noexcept;
/// Of a packet that leaves from `own`: that address stands in them then. The checksum fits again.
void leave_by(std::span<uint8_t> header, IpOptions& options, const IpAddress& own) noexcept;

struct Echo {
  bool possible = true;
  uint8_t length = 0;
  std::array<uint8_t, 40> bytes{};
};
/// What an ICMP error said by `world.own` repeats of a packet's options.
[[nodiscard]] Echo echo_of(std::span<const uint8_t> header, const IpOptions& options, const OptionWorld& world) noexcept;

}  // namespace bulkhead::rules
