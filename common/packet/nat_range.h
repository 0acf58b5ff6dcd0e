// common/packet/nat_range.h: what a flow's tuple may become, and which tuple of that it gets.
//
// Who     rules says the range, and needs to know the destination before it routes; nat chooses, knowing every flow.
// Order   addresses as in a packet; ports of ranges in host order, of tuples in network order.
// Chance  where the kernel draws a random port, a keyed function of the packet's number (common/base/chance.h).
// Source  nf_nat.h (nf_nat_range2), nf_nat_core.c: get_unique_tuple, find_appropriate_src, find_best_ips_proto,
//         nf_nat_l4proto_unique_tuple.
#pragma once

#include <optional>

#include "common/base/address.h"
#include "common/base/chance.h"
#include "common/packet/known_ports.h"
#include "common/packet/packet.h"

namespace bulkhead::packet {

/// nf_nat_range2, with the kernel's flags.
struct NatRange {
  static constexpr uint16_t map_ips = 1, proto_specified = 2, proto_random = 4, persistent = 8, proto_random_fully = 16,
                            proto_offset = 32;
  uint16_t flags = 0;
  uint16_t min_port = 0, max_port = 0, base_port = 0;
  IpAddress min_address, max_address;
};

enum class Part : uint8_t { source, destination };

/// What is known of other flows.
class OtherFlows {
 public:
  OtherFlows() = default;
  OtherFlows(const OtherFlows&) = delete;
  OtherFlows& operator=(const OtherFlows&) = delete;
  virtual ~OtherFlows() = default;
  /// Would a flow that leaves with `tuple` come back as somebody else's?
  [[nodiscard]] virtual bool used(const Tuple& tuple) const noexcept = 0;
  /// `original` with the source that its newest flow has, where that lies in the range.
  [[nodiscard]] virtual std::optional<Tuple> mapped(const Tuple& original, const NatRange& range) const noexcept = 0;
  enum class Search : uint8_t { begins, is_long };
  /// Where a search for the port of that part of `tuple` may note what used() says, and find what it said; null: nowhere. Good until
  /// asked for again. It is asked for as the search begins, and once more if it has become long.
  [[nodiscard]] virtual KnownPorts* known_ports(const Tuple& /*tuple*/, Part /*part*/, Search /*search*/) const noexcept { return nullptr; }
};
/// Nobody else is there.
class NoFlows : public OtherFlows {
 public:
  [[nodiscard]] bool used(const Tuple&) const noexcept override { return false; }
  [[nodiscard]] std::optional<Tuple> mapped(const Tuple&, const NatRange&) const noexcept override {
    return std::nullopt;
  }
};

/// Of a hook of which no rule says what the source becomes: the address stays, and the port if nobody has it
/// (nf_nat_alloc_null_binding).
[[nodiscard]] NatRange null_range(const Tuple& tuple) noexcept;

/// nf_in_range
[[nodiscard]] bool in_range(const Tuple& tuple, const NatRange& range, Part part) noexcept;

/// `original`: of the original direction, as translated so far. The result may be used after all, where nothing is free:
/// whoever binds asks once more, as the kernel's confirm does.
[[nodiscard]] Tuple tuple_in(const Tuple& original, const NatRange& range, Part part, const OtherFlows& others,
                             const Chance& chance, uint64_t number) noexcept;

}  // namespace bulkhead::packet