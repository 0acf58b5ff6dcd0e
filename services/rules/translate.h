// services/rules/translate.h: how a packet's flow is translated, as nat has bound it; and what rules order for a new one.
//
// Who     decide.cc, around the hooks. nat.state is nat's; a flow's binding was made with its first packet, which was home
//         before this one was tracked, and stays until its deletion passes nat, which is behind us: it is there, and whole.
// Crash   orders go into slots of their own (ipc/state/nat_orders.h).
// Shown   where a chain may see what nat chooses (common/ruleset/compile/choices.h), rules chooses the same, by the bindings as they are once
//         nat is behind all before the packet. Otherwise the tuple of a new flow is the one that it gets if nobody else has it.
// Source  Linux nf_nat_inet_fn, nf_nat_icmp_reply_translation.
#pragma once

#include <memory>

#include "common/base/topology.h"
#include "common/ruleset/run/evaluation.h"
#include "ipc/state/nat_orders.h"
#include "ipc/state/other_flows.h"

namespace bulkhead::rules {

class Translate {
 public:
  struct Objects {
    const state::NatState& state;
    state::NatOrdersTable& orders;
    const state::ConntrackState& conntrack;
  };
  Translate(const Objects& objects, uint64_t seed);

  [[nodiscard]] const Chance& chance() const { return chance_; }
  /// Before the first hook.
  void see(const chain::Descriptor& descriptor, ruleset::Evaluation& packet) const noexcept;
  /// `begins`: nat is behind all before this packet, and what it will choose for its flow is wanted; null: it is not.
  void know_others(const chain::Descriptor* begins, ruleset::Evaluation& packet) noexcept;
  /// Behind the last one, of a packet that passed.
  void order(chain::Descriptor& descriptor, const ruleset::Evaluation& packet) const noexcept;

 private:
  Objects objects_;
  static constexpr size_t kGoneMost = 4;  // flows that a packet ends: the one that it follows, one that makes room for its own

  uint64_t window_;
  Chance chance_;
  std::unique_ptr<state::TupleHashes> hash_;
  state::BoundFlows bound_;
  std::array<uint64_t, kGoneMost> gone_{};
  std::optional<state::BoundOthers> others_;
};

/// A router's addresses; interfaces are numbered from 1 here, as rules do.
class RouterHost final : public ruleset::Host {
 public:
  RouterHost(const Topology& topology, const Routes& routes) : topology_(topology), routes_(routes) {}
  [[nodiscard]] IpAddress source_towards(const IpAddress& destination, uint32_t out) const noexcept override;
  [[nodiscard]] IpAddress address_at(uint32_t in, const IpAddress& destination) const noexcept override;
  [[nodiscard]] uint32_t mtu_of(uint32_t interface) const noexcept override {
    return interface == 0 || interface > topology_.interfaces.size() ? 0 : topology_.interfaces[interface - 1].mtu;
  }

 private:
  const Topology& topology_;
  const Routes& routes_;
};

}  // namespace bulkhead::rules
