// services/rules/translate.h: how a packet's flow is translated, as nat has bound it; and what rules order for a new one.
//
// Who     decide.cc, around the hooks. nat.state is nat's; the binding of a flow that is translated was made with its first packet, which was
//         home before this one was tracked, and stays until its deletion passes nat, which is behind us: it is there, and whole. That of one which is not
//         may not be there yet (services/conntrack/fates.h), and says nothing.
// Crash   orders go into slots of their own (ipc/state/nat_orders.h).
// Shown   where a chain may see what nat chooses (common/ruleset/compile/choices.h), rules chooses the same (foreseen.h). Otherwise the
//         tuple of a new flow is the one that it gets if nobody else has it.
// Source  Linux nf_nat_inet_fn, nf_nat_icmp_reply_translation.
#pragma once

#include "common/base/topology.h"
#include "common/ruleset/run/evaluation.h"
#include "ipc/state/bindings.h"
#include "ipc/state/nat_orders.h"

namespace bulkhead::rules {

class Translate {
 public:
  struct Objects {
    const state::NatState& state;
    state::NatOrdersTable& orders;
  };
  Translate(const Objects& objects, uint64_t seed);

  [[nodiscard]] const Chance& chance() const { return chance_; }
  /// Before the first hook.
  void see(const chain::Descriptor& descriptor, ruleset::Evaluation& packet) const noexcept;
  /// Behind the last one, of a packet that passed.
  void order(chain::Descriptor& descriptor, const ruleset::Evaluation& packet) const noexcept;

 private:
  Objects objects_;
  uint64_t window_;
  Chance chance_;
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
