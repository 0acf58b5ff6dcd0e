// ipc/state/other_flows.h: what the bindings say of flows other than the one that is being bound.
#pragma once

#include <algorithm>
#include <span>

#include "common/packet/nat_range.h"
#include "ipc/state/bound_flows.h"

namespace bulkhead::state {

class BoundOthers final : public packet::OtherFlows {
 public:
  /// `flow`: its index, whose own tuples do not count; `reply_zone`: in which its answers are looked for. `gone`: flows that its packet has ended and whose bindings may still be
  /// there, as ConntrackState::gone has them.
  BoundOthers(const BoundFlows& bindings, uint32_t flow, uint16_t reply_zone = 0, std::span<const uint64_t> gone = {})
      : bindings_(bindings), flow_(flow), reply_zone_(reply_zone), gone_(gone) {}

  [[nodiscard]] bool used(const packet::Tuple& tuple) const noexcept override {
    auto reply = packet::inverse(tuple);
    if (reply) reply->zone = reply_zone_;
    return reply && bindings_.taken(*reply, [this](uint32_t index) { return counts(index); });
  }
  [[nodiscard]] std::optional<packet::Tuple> mapped(const packet::Tuple& original, const packet::NatRange& range) const noexcept override {
    packet::Tuple mapped = original;
    auto const known = bindings_.mapping_of(original, [&](uint32_t index, const packet::Tuple& reply) {
      mapped.src = reply.dst;
      mapped.src_port = reply.is_icmp() ? reply.src_port : reply.dst_port;
      return !is_gone(index) && packet::in_range(mapped, range, packet::Part::source);
    });
    return known ? std::optional(mapped) : std::nullopt;
  }

 private:
  [[nodiscard]] bool counts(uint32_t index) const noexcept { return index != flow_ && !is_gone(index); }
  [[nodiscard]] bool is_gone(uint32_t index) const noexcept {
    return std::ranges::any_of(gone_, [&](uint64_t flow) {
      return static_cast<uint32_t>(flow) == index && bindings_.has(index, static_cast<uint32_t>(flow >> 32));
    });
  }
  const BoundFlows& bindings_;
  uint32_t flow_;
  uint16_t reply_zone_;
  std::span<const uint64_t> gone_;
};

}  // namespace bulkhead::state