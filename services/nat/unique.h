// services/nat/unique.h: the tuple that a flow gets: in the range that is wanted, and nobody else's.
//
// Who     bind.cc, for one part (source or destination) of a flow's tuple after another.
// Result  the translated tuple of the original direction; it may be taken after all where there is nothing free: the
//         caller asks once more, as the kernel's confirm does.
// Chance  where the kernel draws a random port, a keyed function of the packet's number (common/chance.h).
// Source  nf_nat_core.c: get_unique_tuple, find_appropriate_src, find_best_ips_proto, nf_nat_l4proto_unique_tuple.
#pragma once

#include "common/chance.h"
#include "ipc/nat_orders.h"
#include "services/nat/bindings.h"

namespace bulkhead::nat {

enum class Part : uint8_t { source, destination };

class Unique {
 public:
  Unique(const Bindings& bindings, const Chance& chance) : bindings_(bindings), chance_(chance) {}

  /// `tuple`: of the original direction, as translated so far. `flow`: its index, whose own tuples do not count.
  [[nodiscard]] Tuple tuple(const Tuple& tuple, const NatRange& range, Part part, uint32_t flow,
                            uint64_t number) const noexcept;
  /// Would a flow that leaves with `tuple` come back as somebody else's?
  [[nodiscard]] bool used(const Tuple& tuple, uint32_t flow) const noexcept;

 private:
  void port(Tuple& tuple, const NatRange& range, Part part, uint32_t flow, uint64_t number) const noexcept;

  const Bindings& bindings_;
  const Chance& chance_;
};

/// The address of a range that a flow gets: the kernel's own function of its source (and destination).
[[nodiscard]] IpAddress address_in(const Tuple& tuple, const NatRange& range, Part part) noexcept;

}  // namespace bulkhead::nat
