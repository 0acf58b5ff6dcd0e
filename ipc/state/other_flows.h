// ipc/state/other_flows.h: what the bindings say of flows other than the one that is being bound.
#pragma once

#include "common/packet/nat_range.h"
#include "ipc/state/bound_flows.h"
#include "ipc/state/port_searches.h"

namespace bulkhead::state {

class BoundOthers final : public packet::OtherFlows {
 public:
  /// `flow`: its index, of which whatever stands there does not count; `reply_zone`: in which its answers are looked for.
  /// `searches`: of these bindings, if they are kept.
  BoundOthers(const BoundFlows& bindings, uint32_t flow, uint16_t reply_zone = 0, PortSearches* searches = nullptr)
      : bindings_(bindings), flow_(flow), reply_zone_(reply_zone), searches_(searches) {}

  [[nodiscard]] bool used(const packet::Tuple& tuple) const noexcept override {
    auto reply = packet::inverse(tuple);
    if (reply) reply->zone = reply_zone_;
    return reply && bindings_.taken(*reply, [this](uint32_t index) { return index != flow_; });
  }
  [[nodiscard]] std::optional<packet::Tuple> mapped(const packet::Tuple& original, const packet::NatRange& range) const noexcept override {
    packet::Tuple mapped = original;
    auto const known = bindings_.mapping_of(original, [&](uint32_t index, const packet::Tuple& reply) {
      mapped.src = reply.dst;
      mapped.src_port = reply.is_icmp() ? reply.src_port : reply.dst_port;
      return index != flow_ && packet::in_range(mapped, range, packet::Part::source);
    });
    return known ? std::optional(mapped) : std::nullopt;
  }
  /// Not where a binding does not count: what is known would then be of this flow alone.
  [[nodiscard]] packet::KnownPorts* known_ports(const packet::Tuple& tuple, packet::Part part, Search search) const noexcept override {
    if (searches_ == nullptr || (search == Search::begins && searches_->empty())) return nullptr;
    if (bindings_.has_any(flow_)) return nullptr;
    auto reply = packet::inverse(tuple);
    if (!reply) return nullptr;
    reply->zone = reply_zone_;
    bool const at_source = tuple.is_icmp() || part == packet::Part::destination;
    auto const port = at_source ? PortSearches::Port::source : PortSearches::Port::destination;
    return search == Search::begins ? searches_->find(*reply, port) : &searches_->begin(*reply, port);
  }

 private:
  BoundFlows bindings_;
  uint32_t flow_;
  uint16_t reply_zone_;
  PortSearches* searches_;
};

}  // namespace bulkhead::state