// services/nat/others.h: what the bindings say of flows other than the one that is being bound.
#pragma once

#include "common/nat_range.h"
#include "services/nat/bindings.h"

namespace bulkhead::nat {

class Others final : public OtherFlows {
 public:
  /// `flow`: its index, whose own tuples do not count.
  Others(const Bindings& bindings, uint32_t flow) : bindings_(bindings), flow_(flow) {}

  [[nodiscard]] bool used(const Tuple& tuple) const noexcept override {
    auto const reply = inverse(tuple);
    return reply && bindings_.taken(*reply, flow_);
  }
  [[nodiscard]] std::optional<Tuple> mapped(const Tuple& original, const NatRange& range) const noexcept override {
    Tuple mapped = original;
    auto const known = bindings_.mapping_of(original, [&](const Tuple& reply) {
      mapped.src = reply.dst;
      mapped.src_port = reply.is_icmp() ? reply.src_port : reply.dst_port;
      return in_range(mapped, range, Part::source);
    });
    return known ? std::optional(mapped) : std::nullopt;
  }

 private:
  const Bindings& bindings_;
  uint32_t flow_;
};

}  // namespace bulkhead::nat
